/**
 * The one redactor: every text that may quote somebody else's words passes it on its way out, to the log, the events,
 * the record, the answers, the audit log and the terminal. Imports nothing.
 *
 * Keys are left out where they come from already; this is for the places nobody thought of.
 */

/** Keys as providers, we and others write them, also half hidden by stars. */
const KEYS = /\b(?:sk-|gsk_|csk-|fw_|hf_|xai-|pplx-|nvapi-|gh[pousr]_|github_pat_|r8_|tgp_|whsec_|tf-|tfa-|tfs-|tollfree-key-1:|AIza)[\w*.+/=-]{8,}/g;
const AUTHORIZATION = /\bBearer\s+[\w.~+/=*-]{4,}|\bBasic\s+[\w+/=]{16,}/gi;
/** `https://user:password@host`. */
const USER_INFO = /\b([a-z][a-z\d+.-]{1,20}:\/\/)[^\s/?#@"']{1,512}@/gi;
/** `?key=…` and its like. */
const QUERY = /([?&](?:api[-_]?key|key|access[-_]?token|token|secret|password)=)[^\s&#"']+/gi;

const HIDDEN = '[key]';

export const redact = (text: string): string =>
  text.replaceAll(AUTHORIZATION, HIDDEN).replaceAll(KEYS, HIDDEN).replaceAll(USER_INFO, `$1${HIDDEN}@`).replaceAll(QUERY, `$1${HIDDEN}`);
