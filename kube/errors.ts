/**
 * Every error class of the project's TypeScript. Callers branch on class, `code` or HTTP status, never on the message;
 * the controller turns the class into what happens next (retry with backoff, or nothing until the input changes).
 */

/** An error with a stable, machine-readable `code`; `cause` keeps the one below it. */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly code: string;

  constructor(message: string, options: { readonly code: string; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/** Retrying cannot help until somebody changes the input: no retry, the caller shows it as a condition. */
export class TerminalError extends AppError {
  override readonly name = 'TerminalError';
}

/** Expected to pass by itself: retried with backoff, not before `retryAfterMs` where the other side named a time. */
export class TransientError extends AppError {
  override readonly name = 'TransientError';
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { readonly code: string; readonly cause?: unknown; readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What an API server's refusal says, as far as callers need it. */
export interface ApiErrorDetails {
  /** HTTP status of the answer, or the `code` of a Status object inside a watch. */
  readonly status: number;
  /** The machine-readable reason of the Status object (`NotFound`, `Conflict`, `Expired`…); empty where it had none. */
  readonly reason: string;
  /** What the server asked to wait, from Retry-After or the Status' details. */
  readonly retryAfterMs?: number | undefined;
  /** Which fields were refused and why, from the Status' details. */
  readonly causes?: readonly { readonly field: string; readonly message: string }[] | undefined;
}

/** The API server answered, and the answer was no. `code` is the reason, or `Http<status>` where there was none. */
export class ApiError extends AppError {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly { readonly field: string; readonly message: string }[];

  constructor(message: string, details: ApiErrorDetails) {
    super(message, { code: details.reason === '' ? `Http${details.status}` : details.reason });
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.causes = details.causes ?? [];
  }
}

function hasStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}

/** 404: the object, or its whole kind, does not exist. */
export function isNotFound(error: unknown): error is ApiError {
  return hasStatus(error, 404);
}

/** 409 for a stale resourceVersion, a failed precondition or a field owned by another manager. */
export function isConflict(error: unknown): error is ApiError {
  return hasStatus(error, 409) && error.reason !== 'AlreadyExists';
}

/** 409 for a create whose name is taken. */
export function isAlreadyExists(error: unknown): error is ApiError {
  return hasStatus(error, 409) && error.reason === 'AlreadyExists';
}

/** 410: the resourceVersion or continue token is too old; only a new list helps. */
export function isGone(error: unknown): error is ApiError {
  return hasStatus(error, 410);
}

/** 422 or 400: the server will refuse this object however often it is sent. */
export function isInvalid(error: unknown): error is ApiError {
  return hasStatus(error, 422) || hasStatus(error, 400);
}

/** 401: the credentials are missing, wrong or expired. */
export function isUnauthorized(error: unknown): error is ApiError {
  return hasStatus(error, 401);
}

/** 403: known, but not allowed (RBAC, a policy, a terminating namespace). */
export function isForbidden(error: unknown): error is ApiError {
  return hasStatus(error, 403);
}

/** 429: priority and fairness, or a disruption budget, asks to wait. */
export function isTooManyRequests(error: unknown): error is ApiError {
  return hasStatus(error, 429);
}

/** The wait that the other side asked for; undefined where it named none. */
export function retryAfterMs(error: unknown): number | undefined {
  return error instanceof ApiError || error instanceof TransientError ? error.retryAfterMs : undefined;
}
