// GET /trace of the agent: the last seconds of the runtime's scheduler, as it hands them out itself.
import { TerminalError } from '../kube/errors.ts';
import type { Download } from '../kube/http.ts';
import { TraceFormat, type TraceRequest } from './native/gen/runtime.ts';

/** `gpu`: which one's runtime, where there are several. */
export type TraceSource = (
  request: TraceRequest,
  gpu: string | undefined,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

const formats: ReadonlyMap<string, { readonly format: TraceFormat; readonly type: string }> = new Map([
  ['chrome', { format: TraceFormat.TRACE_FORMAT_CHROME, type: 'application/json' }],
  ['records', { format: TraceFormat.TRACE_FORMAT_RECORDS, type: 'application/jsonl' }],
]);
const parameters: readonly string[] = ['seconds', 'format', 'gpu'];
const mostSeconds = 3_600;

/** @throws TerminalError naming the parameter and what would work, TransientError where no runtime is connected */
export function traceDownload(source: TraceSource, query: URLSearchParams, signal: AbortSignal): Download {
  const unknown = [...query.keys()].find((key) => !parameters.includes(key));
  if (unknown !== undefined) throw bad(`${unknown} is no parameter: there are seconds, format and gpu`);
  const name = query.get('format') ?? 'chrome';
  const chosen = formats.get(name);
  if (chosen === undefined) throw bad(`format=${name}: write one of ${[...formats.keys()].join(', ')}`);
  const seconds = secondsOf(query.get('seconds') ?? '5');
  return { type: chosen.type, body: source({ seconds, format: chosen.format }, query.get('gpu') ?? undefined, signal) };
}

/** 0 asks the runtime for all that it holds. */
function secondsOf(text: string): number {
  if (text === 'all') return 0;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= mostSeconds) return seconds;
  throw bad(`seconds=${text}: write an integer from 1 to ${mostSeconds}, or all`);
}

function bad(message: string): TerminalError {
  return new TerminalError(message, { code: 'BadQuery' });
}
