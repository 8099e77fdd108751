import { Dictionary, FFmpegError, FormatContext, Packet, Rational } from 'node-av';
/**
 * Packs an MP4 into Matroska with its display matrix, as a roll of the projection: FFmpeg's command line before
 * version 7 leaves it out.
 */
export async function turnMatroska(from: string, to: string): Promise<void> {
  const input = new FormatContext();
  check(await input.openInput(from));
  check(await input.findStreamInfo(null));
  const output = new FormatContext();
  check(output.allocOutputContext2(null, 'matroska', to));
  for (const { codecpar, timeBase } of input.streams) {
    const stream = output.newStream();
    check(codecpar.copy(stream.codecpar));
    stream.codecpar.codecTag = 0;
    stream.timeBase = timeBase;
  }
  check(await output.openOutput());
  check(output.writeHeaderSync(Dictionary.fromObject({})));
  using packet = new Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    const { timeBase: source } = input.streams[packet.streamIndex]!;
    const { timeBase: target } = output.streams[packet.streamIndex]!;
    packet.rescaleTs(new Rational(source.num, source.den), new Rational(target.num, target.den));
    check(output.interleavedWriteFrameSync(packet));
  }
  check(output.writeTrailerSync());
  await output.closeOutput();
  output.freeContext();
  await input.closeInput();
}

function check(result: number): void {
  if (result < 0) FFmpegError.throwIfError(result, 'pack');
}
