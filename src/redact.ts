/**
 * The one redactor: every text that may quote somebody else's words passes it on its way out, to the log, the events,
 * the record, the answers, the audit log and the terminal. Imports nothing.
 *
 * Keys are left out where they come from already; this is for the places nobody thought of.
 */

/** How keys begin, as providers, we and others write them. */
const BEGINNINGS = 'sk-|gsk_|csk-|fw_|hf_|xai-|pplx-|nvapi-|gh[pousr]_|github_pat_|r8_|tgp_|whsec_|tf-|tfa-|tfs-|tollfree-key-1:|AIza';
/** Also half hidden by stars. */
const KEYS = new RegExp(String.raw`\b(?:${BEGINNINGS})[\w*.+/=-]{8,}`, 'g');
const AUTHORIZATION = /\bBearer\s+[\w.~+/=*-]{4,}|\bBasic\s+[\w+/=]{16,}/gi;
/** `https://user:password@host`. */
const USER_INFO = /\b([a-z][a-z\d+.-]{1,20}:\/\/)[^\s/?#@"']{1,512}@/gi;
/** `?key=…` and its like. */
const QUERY = /([?&](?:api[-_]?key|key|access[-_]?token|token|secret|password)=)[^\s&#"']+/gi;

const HIDDEN = '[key]';

/** No shorter text can hold any of these (`?key=x`). */
const SHORTEST = 6;
/** Without one of these nothing above matches: one look instead of four, at names and the like. */
const SUSPICIOUS = new RegExp(String.raw`[\s@=]|${BEGINNINGS}`);

export const redact = (text: string): string => (text.length < SHORTEST || !SUSPICIOUS.test(text) ? text : hideIn(text));

const hideIn = (text: string): string =>
  text.replaceAll(AUTHORIZATION, HIDDEN).replaceAll(KEYS, HIDDEN).replaceAll(USER_INFO, `$1${HIDDEN}@`).replaceAll(QUERY, `$1${HIDDEN}`);
