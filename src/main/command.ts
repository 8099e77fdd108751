import type { Config } from '../config.ts';

/** What main.ts knows and a command may need. */
export type CommandContext = {
  readonly config: Config;
  /** Where the configuration came from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Fires when the command is told to stop. */
  readonly signal: AbortSignal;
};

/** Resolves when it is done; the exit status is then 0, or what it has set. */
export type Command = (args: readonly string[], context: CommandContext) => Promise<void>;
