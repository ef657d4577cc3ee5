/** How a command fails: what was wrong, and what to do next. */
import { isNativeError } from 'node:util/types';
import { CommanderError } from 'commander';
import { ConfigError } from '../config/problems.ts';
import { FailureError } from '../failure.ts';
import { redact } from '../redact.ts';
import { VaultError } from '../vault/errors.ts';
import type { Context, Sink } from './context.ts';

/** 1: it failed. 2: it was used wrongly. */
export type ExitStatus = 1 | 2;

export class CommandError extends Error {
  readonly hint: string | undefined;
  readonly status: ExitStatus;
  constructor(message: string, { hint, status = 1, cause }: { readonly hint?: string; readonly status?: ExitStatus; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'CommandError';
    this.hint = hint;
    this.status = status;
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => isNativeError(error) && 'code' in error && 'syscall' in error;

/** What the common codes mean to somebody who never read errno(3). */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOSPC: 'the disk is full',
};

/** The sentence for the person; nothing of the stack. */
export function describe(error: unknown): { readonly message: string; readonly hint?: string } {
  if (error instanceof CommandError) return { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
  if (error instanceof ConfigError) return { message: `the configuration is wrong\n${error.message}` };
  if (error instanceof VaultError) return { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
  if (error instanceof FailureError) return { message: error.failure.message };
  if (isSystemError(error) && error.code === 'EADDRINUSE') return { message: error.message.replace(/^listen EADDRINUSE: address/, 'the address is'), hint: 'another one may be running already; --port chooses another' };
  if (isSystemError(error)) {
    const reason = reasons[error.code ?? ''] ?? error.message;
    return { message: error.path === undefined ? reason : `${error.path}: ${reason}` };
  }
  return { message: isNativeError(error) ? error.message : String(error) };
}

/** Says what went wrong, and what to do next. */
export function complain({ paint, write }: Sink, error: unknown): void {
  const { message, hint } = describe(error);
  write(`${paint('red', 'error:')} ${redact(message)}\n`);
  if (hint !== undefined) write(`  ${paint('dim', 'hint:')} ${hint}\n`);
}

/** Tells the error on stderr and returns the exit status. */
export function report(error: unknown, { words }: Context): 0 | ExitStatus {
  // Commander has said its own words already; its status 1 stands for every wrong use.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  complain(words, error);
  if (error instanceof CommandError) return error.status;
  return error instanceof FailureError && error.failure.kind === 'invalid-request' ? 2 : 1;
}
