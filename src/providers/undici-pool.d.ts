/** Where undici keeps its pool; its own types know only the front door. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export default Pool;
}
