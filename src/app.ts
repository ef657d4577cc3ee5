/** The routes, and the one error handler. */
import express from 'express';
import type { ErrorRequestHandler, Express } from 'express';
import { failureOf, FailureError } from './failure.ts';
import { traceOf } from './http/arrival.ts';
import { auditRequests } from './http/audit.ts';
import type { AdminAct } from './http/audit.ts';
import { adminRoutes } from './http/admin.ts';
import type { AdminOptions } from './http/admin.ts';
import { dashboardRoutes } from './http/dashboard.ts';
import type { Door } from './http/door.ts';
import { createEntrance, headOf, receivedAtOf, requestIdOf } from './http/entrance.ts';
import type { EntranceOptions } from './http/entrance.ts';
import { healthRoutes } from './http/health.ts';
import type { HealthOptions } from './http/health.ts';
import { listModels, showModel } from './http/models.ts';
import { openApiRoute } from './http/openapi.ts';
import { askRoutes, otherRoutes } from './http/surfaces.ts';
import { ownUsage } from './http/usage-stats.ts';
import { tellAnthropic, tellOpenAi } from './surfaces/errors.ts';
import type { UsageRecord } from './usage/record.ts';

export interface AppOptions extends AdminOptions, Omit<EntranceOptions, 'now'>, Omit<HealthOptions, 'accounts' | 'waiting' | 'record'> {
  readonly record: Pick<UsageRecord, 'stats' | 'rows' | 'health'>;
  readonly door: Door;
  readonly audit: (act: AdminAct) => void;
  readonly metrics: { readonly contentType: string; readonly text: () => Promise<string> };
}

/** The whole HTTP face; it listens to nothing by itself, so that a test can drive it without a port. */
export function createApp(options: AppOptions): Express {
  const { gateway, accounts, door } = options;
  const entrance = createEntrance({ ...options, now: gateway.now });
  const app = bareApp();
  const asks = askRoutes(options);
  for (const [path, route] of asks) app.post(path, entrance.regulars, route);
  app.use(entrance.everybody);
  app.use(healthRoutes({ ...options, accounts: () => accounts.view(), waiting: () => accounts.waiting(), record: options.record.health }));
  app.get('/metrics', async (_request, response) => {
    response.type(options.metrics.contentType).send(await options.metrics.text());
  });
  app.get('/openapi.json', openApiRoute(options.version));
  app.use('/v1', entrance.askers);
  app.use(otherRoutes(options, asks.map(([path]) => path)));
  app.get('/v1/usage', ownUsage({ ...options, identify: door.identify }));
  const models = { catalogue: options.catalogue, rules: options.rules, usable: gateway.usable, accounts: () => accounts.view(), scopeOf: door.scopeOf };
  app.get('/v1/models', listModels(models));
  app.get('/v1/models/*id', showModel(models));
  app.use(dashboardRoutes());
  app.use('/admin', auditRequests(options.audit), adminRoutes(options));
  app.use((request) => {
    throw new FailureError({ kind: 'not-found', message: `there is no ${request.method} ${request.path} here` });
  });
  app.use(tellError(gateway));
  return app;
}

/** Without what Express does for each answer and nobody here wants. */
export function bareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  return app;
}

/** Every failure of every route ends here, in the envelope its surface speaks. Once an answer has begun, only closing is honest. */
export function tellError({ emit, now }: AdminOptions['gateway']): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const failure = failureOf(error);
    const id = requestIdOf(response);
    if (failure.kind === 'internal') emit({ type: 'notice', level: 'error', message: 'internal error', fields: { request_id: id, stack: stackOf(error) } });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const at = now();
    const told = (request.path.startsWith('/v1/messages') ? tellAnthropic : tellOpenAi)(failure, id, at);
    // What got as far as the gateway has its own, fuller story.
    if (response.locals['asked'] !== true) {
      const { method, path, headers } = request;
      const receivedAt = receivedAtOf(response) ?? at;
      emit({ type: 'request-refused', refusal: { id, method, path, asked: path.startsWith('/v1/'), receivedAt, totalMs: at - receivedAt, status: told.status, failure: failure.kind, ...traceOf(headers) } });
    }
    if (!request.complete) {
      // Read on and forget: closing over unread bytes would reset the connection before the client has read why.
      response.set('connection', 'close');
      request.resume();
    }
    response.status(told.status).set(headOf(id)).set(told.headers).json(told.body);
  };
}

/** Where it happened, not what was said: messages of runtime errors may quote their input. */
function stackOf(error: unknown): string {
  return error instanceof Error ? `${error.name} ${(error.stack ?? '').split('\n').slice(1).join('\n')}` : typeof error;
}
