/** What several answers tell alike: of a rest, of a window, of a moment. */
import type { AccountView, WindowView } from '../accounts/accounts.ts';

export const tellRest = ({ until, ...rest }: AccountView['rests'][number]): object => ({ ...rest, ...tellTime('until', until) });

export const tellWindow = ({ resetsAt, emptyAt, ...window }: WindowView): object => ({ ...window, ...tellTime('resets_at', resetsAt), ...tellTime('empty_at', emptyAt) });

/** To be spread: RFC 3339, and no field where there is no moment. */
export const tellTime = (name: string, at: number | undefined): Record<string, string> => (at === undefined ? {} : { [name]: new Date(at).toISOString() });
