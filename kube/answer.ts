/**
 * From an HTTP answer to a value or an error: Status objects, Retry-After, broken JSON.
 */
import { ApiError, TransientError } from './errors.ts';

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly text: string;
}

/** The error of an answer that is not 2xx. `what` names the call: `GET /api/v1/nodes`. */
export function refusal(what: string, answer: Answer): ApiError {
  return errorOfStatus(what, tryParse(answer.text), answer.status, retryAfter(answer));
}

/** The error that a Status object stands for, as the body of a refusal or inside a watch. */
export function errorOfStatus(what: string, body: unknown, httpStatus?: number, headerRetryMs?: number): ApiError {
  const status = isRecord(body) && body['kind'] === 'Status' ? body : {};
  const details = isRecord(status['details']) ? status['details'] : {};
  const code = httpStatus ?? (typeof status['code'] === 'number' ? status['code'] : 500);
  const seconds = details['retryAfterSeconds'];
  const message = typeof status['message'] === 'string' ? status['message'] : `HTTP ${code}`;
  return new ApiError(`${what}: ${message}`, {
    status: code,
    reason: typeof status['reason'] === 'string' ? status['reason'] : '',
    retryAfterMs: headerRetryMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined),
    causes: causes(details['causes']),
  });
}

/** @throws TransientError (BadResponse) where the text is not JSON: cut off, or not from an API server */
export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TransientError(`${what}: the answer is not JSON (${text.length} characters)`, {
      code: 'BadResponse',
      cause,
    });
  }
}

export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// The API server sends seconds; the form with a date belongs to proxies and is ignored.
function retryAfter({ headers }: Answer): number | undefined {
  const value = headers['retry-after'];
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}

function causes(value: unknown): { field: string; message: string }[] {
  const list: unknown[] = Array.isArray(value) ? value : [];
  return list.filter(isRecord).map(({ field, message }) => ({
    field: typeof field === 'string' ? field : '',
    message: typeof message === 'string' ? message : '',
  }));
}
