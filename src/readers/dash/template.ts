/** Addresses made from templates (ISO/IEC 23009-1 5.3.9.4.4). */
import { AppError } from '../../errors.ts';
import { quote } from '../reference.ts';

export type TemplateValues = {
  readonly RepresentationID: string;
  readonly Bandwidth: number;
  /** Absent in the address of an init segment. */
  readonly Number?: number;
  readonly Time?: number;
};

const IDENTIFIER = /^(RepresentationID|Number|Bandwidth|Time)(?:%0(\d{1,2})d)?$/;

/** Puts values in for `$Number$`, `$Time%09d$` and so on; `$$` is a dollar sign. Throws `package_invalid`. */
export function expandTemplate(template: string, values: TemplateValues): string {
  const parts = template.split('$');
  if (parts.length % 2 === 0) throw invalid(template);
  return parts.map((part, i) => (i % 2 === 0 ? part : expandIdentifier(part, values, template))).join('');
}

function expandIdentifier(identifier: string, values: TemplateValues, template: string): string {
  if (identifier === '') return '$';
  const [, name, width] = IDENTIFIER.exec(identifier) ?? [];
  const value = name === undefined ? undefined : values[name as keyof TemplateValues];
  if (value === undefined || (name === 'RepresentationID' && width !== undefined)) throw invalid(template);
  return String(value).padStart(Number(width ?? 1), '0');
}

function invalid(template: string): AppError {
  return new AppError('package_invalid', `the MPD has a template that cannot be read: ${quote(template)}`);
}
