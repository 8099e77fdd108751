/** Seconds as an xs:duration (XML Schema part 2, 3.2.6), to the microsecond: 4.004 is `PT4.004S`. */
export function xsDuration(seconds: number): string {
  return `PT${Number(seconds.toFixed(6))}S`;
}
