/** Traces go where the settings say, or OpenTelemetry's own variables. Where neither does, there are none, and they cost nothing. */
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../config/problems.ts';
import type { Settings } from '../config/settings.ts';
import { createSpanExport } from '../observe/span-export.ts';
import { createTraces } from '../observe/traces.ts';
import type { Traces } from '../observe/traces.ts';
import { given } from '../variables.ts';
import type { Environment } from '../variables.ts';
import type { Base } from './base.ts';
import type { Cleanup } from './cleanup.ts';
import { after } from './clock.ts';

const PATIENCE_MS = 5_000;

export function tellTraces({ settings, emit, listen }: Pick<Base, 'settings' | 'emit' | 'listen'>, environment: Environment, version: string, cleanup: Cleanup): Traces | undefined {
  const collector = collectorOf(settings.telemetry, environment);
  if (collector === undefined) return undefined;
  const { url, headers, resource } = collector;
  const spans = createSpanExport({
    // Not by the way providers are called: a collector is the operator's own, most often on a private address.
    async post(body) {
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body, redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
      await answer.arrayBuffer();
      return answer.status;
    },
    after,
    emit,
    resource,
    version,
  });
  cleanup.add(() => spans.close());
  const traces = createTraces({ sample: settings.telemetry.sample, random: Math.random, newId: (bytes) => randomBytes(bytes).toString('hex'), take: spans.take });
  listen(traces.observe);
  return traces;
}

interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
}

function collectorOf({ endpoint, headers }: Settings['telemetry'], environment: Environment): Collector | undefined {
  if (environment['OTEL_SDK_DISABLED'] === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  const base = given(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? endpoint;
  const url = given(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined) return undefined;
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new ConfigError([{ file: 'OTEL_EXPORTER_OTLP_ENDPOINT', line: 0, column: 0, path: '', message: `${JSON.stringify(url)} is not an http or https address` }]);
  return {
    url,
    headers: { ...headers, ...pairs(environment['OTEL_EXPORTER_OTLP_HEADERS']), ...pairs(environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS']) },
    resource: { 'service.name': 'tollfree', ...pairs(environment['OTEL_RESOURCE_ATTRIBUTES']), ...(environment['OTEL_SERVICE_NAME'] && { 'service.name': environment['OTEL_SERVICE_NAME'] }) },
  };
}

/** `name=value,name=value`, values percent-encoded. */
function pairs(written = ''): Record<string, string> {
  return Object.fromEntries(written.split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]];
  }));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
