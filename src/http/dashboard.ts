/** `/dashboard`: a page and its parts, read once. It holds no data: what it shows it asks of `/admin`. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Router } from 'express';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Beside this file in the sources and in the build. */
const directory = new URL('../dashboard/', import.meta.url);

/** To be mounted at the root. */
export function dashboardRoutes(): Router {
  const router = Router({ strict: true });
  // Relative names in the page need the slash.
  router.get('/dashboard', (_request, response) => response.redirect(308, 'dashboard/'));
  for (const name of readdirSync(directory)) {
    const body = readFileSync(new URL(name, directory));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const headers = { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'cache-control': 'no-cache', etag };
    router.get(`/dashboard/${name === 'index.html' ? '' : name}`, (request, response) => {
      if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
      else response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
    });
  }
  return router;
}
