/**
 * What is common to all requests: who asks, patience, and what goes wrong.
 *
 * A request that is repeated must not do things twice. Repeated freely: what only reads, what sets or removes, and what
 * bears an idempotency key, which stays the same over all tries. Everything else is only repeated when the gateway said
 * that nothing was done (429, 503).
 */

import type { ProblemCode } from "./api.js";

/** One thing that is wrong: a JSON pointer into the request, what is wrong there, and its code. */
export interface FieldProblem {
  pointer: string;
  detail: string;
  code: ProblemCode;
}

/** A problem as RFC 9457 shapes it. `code` is stable. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  request_id: string;
  errors: FieldProblem[];
}

/** Whatever goes wrong here. */
export class HeliographError extends Error {}

/** The gateway said no, and why. */
export class Refused extends HeliographError {
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: FieldProblem[];
  readonly requestId: string;

  constructor(
    readonly problem: Problem,
    readonly retryAfterS?: number,
  ) {
    super(`${problem.code}: ${problem.detail} (${problem.status}, request ${problem.request_id})`);
    this.name = "Refused";
    this.code = problem.code;
    this.status = problem.status;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
  }

  /** The fields that are wrong. */
  get pointers(): string[] {
    return this.errors.map((error) => error.pointer).filter((pointer) => pointer !== "");
  }
}

/** No answer came, after all retries; the request may have been carried out all the same. */
export class NotReached extends HeliographError {}

/** An answer came that is none of the gateway's: a proxy's page, another program at that address. */
export class UnreadableAnswer extends HeliographError {}

export interface Settings {
  /** An API key, hg_live_… or hg_test_…. */
  key: string;
  /** Where the gateway is, as in https://sms.example.com. */
  url: string;
  /** How often a request is tried again. */
  retries?: number;
  /** The first pause; each is twice as long as the one before, and up to half of it is left out by chance. */
  firstPauseMs?: number;
  longestPauseMs?: number;
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/** For one request. */
export interface Options {
  /** Makes repeating safe; where it is heeded, one is made when none is given. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

interface Asked extends Options {
  body?: unknown;
  mediaType?: string;
  query?: object;
  isIdempotent?: boolean;
  isText?: boolean;
}

const NOTHING_DONE = new Set([429, 503]);
const PASSING = new Set([429, 500, 502, 503, 504]);
const REPEATABLE = new Set(["GET", "PUT", "PATCH", "DELETE"]);

export class Client {
  readonly #settings: Required<Settings>;

  constructor(settings: Settings) {
    const usual = { retries: 4, firstPauseMs: 500, longestPauseMs: 30_000, timeoutMs: 30_000 };
    this.#settings = { ...usual, fetch: globalThis.fetch.bind(globalThis), ...settings };
  }

  protected async ask<T>(method: string, path: string, asked: Asked): Promise<T> {
    const { retries } = this.#settings;
    const key = asked.idempotencyKey ?? (asked.isIdempotent ? `sdk-${crypto.randomUUID()}` : undefined);
    const isRepeatable = REPEATABLE.has(method) || key !== undefined;
    for (let tried = 1; ; tried++) {
      const outcome = await this.#once(method, path, asked, key);
      const pause = tried <= retries ? this.#pause(outcome, tried, isRepeatable) : undefined;
      if (pause === undefined) {
        return read<T>(outcome, asked.isText === true);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #once(method: string, path: string, asked: Asked, key: string | undefined): Promise<Response | NotReached> {
    const { url, timeoutMs, fetch } = this.#settings;
    const headers: Record<string, string> = { authorization: `Bearer ${this.#settings.key}` };
    let body: string | Uint8Array | undefined;
    if (asked.body !== undefined) {
      headers["content-type"] = asked.mediaType ?? "application/json";
      body = asked.mediaType === undefined ? JSON.stringify(asked.body) : (asked.body as string | Uint8Array);
    }
    if (key !== undefined) {
      headers["idempotency-key"] = key;
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = asked.signal === undefined ? timeout : AbortSignal.any([timeout, asked.signal]);
    try {
      return await fetch(url.replace(/\/$/, "") + path + written(asked.query), {
        method,
        headers,
        body: body as BodyInit | undefined,
        signal,
      });
    } catch (error) {
      asked.signal?.throwIfAborted();
      return new NotReached(`no answer: ${String(error)}`, { cause: error });
    }
  }

  /** How long to wait for the next try, in milliseconds; undefined: what came stands. */
  #pause(outcome: Response | NotReached, tried: number, isRepeatable: boolean): number | undefined {
    const { firstPauseMs, longestPauseMs } = this.#settings;
    const backoff = Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (0.5 + Math.random() / 2);
    if (outcome instanceof NotReached) {
      return isRepeatable ? backoff : undefined;
    }
    if (!(isRepeatable ? PASSING : NOTHING_DONE).has(outcome.status)) {
      return undefined;
    }
    const wanted = retryAfterS(outcome);
    if (wanted === undefined) {
      return backoff;
    }
    return wanted * 1000 <= longestPauseMs ? Math.max(wanted * 1000, backoff) : undefined;
  }
}

function written(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const words = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return words === "" ? "" : `?${words}`;
}

/** What Retry-After asks for: it is a number, or a date. */
function retryAfterS(response: Response): number | undefined {
  const text = response.headers.get("retry-after") ?? "";
  if (/^\d+$/.test(text)) {
    return Number(text);
  }
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

async function read<T>(outcome: Response | NotReached, isText: boolean): Promise<T> {
  if (outcome instanceof NotReached) {
    throw outcome;
  }
  const text = await outcome.text();
  if (outcome.ok && isText) {
    return text as T;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableAnswer(`status ${outcome.status} without JSON: is there a gateway at that address?`);
  }
  if (outcome.ok) {
    return value as T;
  }
  if (typeof (value as Problem | null)?.code !== "string") {
    throw new UnreadableAnswer(`status ${outcome.status} without a problem: is there a gateway at that address?`);
  }
  throw new Refused(value as Problem, retryAfterS(outcome));
}

/** A list, or one page of it. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** Goes through all pages: `for await (const message of each((cursor) => client.getMessages({ cursor })))`. */
export async function* each<T>(page: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const found = await page(cursor);
    yield* found.data;
    cursor = found.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
