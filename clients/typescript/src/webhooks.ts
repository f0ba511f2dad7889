/** Webhooks of the gateway: are they genuine and fresh? The convention is Standard Webhooks. */

import { HeliographError } from "./client.js";

/** A webhook that is not to be believed: `reason` says why, in one word. */
export class WebhookRefused extends HeliographError {
  constructor(
    readonly reason: "missing_header" | "bad_timestamp" | "no_match" | "too_old" | "too_new" | "no_event",
    detail: string,
  ) {
    super(`${reason}: ${detail}`);
    this.name = "WebhookRefused";
  }
}

/** What happened. `data` is the message as it was then, without its text. */
export interface WebhookEvent {
  id: string;
  type: string;
  created_at: string;
  data: any;
}

export interface VerifyOptions {
  /** How old it may be, in seconds. */
  toleranceS?: number;
  /** The time in seconds. */
  now?: number;
}

type HeadersLike = Headers | Record<string, string | string[] | undefined>;

/**
 * The event of a genuine webhook. `body`: what arrived, byte for byte, not JSON that was read and written again.
 * `secret`: the endpoint's `whsec_…`, or several of them.
 */
export async function verify(
  headers: HeadersLike,
  body: string | Uint8Array,
  secret: string | string[],
  { toleranceS = 300, now = Date.now() / 1000 }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  if (!id || !timestamp || !signatures) {
    throw new WebhookRefused("missing_header", "webhook-id, webhook-timestamp and webhook-signature are needed");
  }
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new WebhookRefused("bad_timestamp", "webhook-timestamp is not a time in seconds");
  }
  const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
  if (!(await fits(`${id}.${timestamp}.`, content, signatures, typeof secret === "string" ? [secret] : secret))) {
    throw new WebhookRefused("no_match", "no signature fits: another secret, or the body was changed on its way");
  }
  const age = now - Number(timestamp);
  if (Math.abs(age) > toleranceS) {
    throw new WebhookRefused(age > 0 ? "too_old" : "too_new", `it was signed ${Math.round(age)} s ago`);
  }
  return read(content);
}

function header(headers: HeadersLike, name: string): string {
  if (headers instanceof Headers) {
    return headers.get(name) ?? "";
  }
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return (Array.isArray(found) ? found[0] : found) ?? "";
}

async function fits(head: string, body: Uint8Array, signatures: string, secrets: string[]): Promise<boolean> {
  const start = new TextEncoder().encode(head);
  const signed = new Uint8Array(start.length + body.length);
  signed.set(start);
  signed.set(body, start.length);
  const given = signatures.split(" ").filter((one) => one.startsWith("v1,")).slice(0, 16);
  let found = false;
  for (const secret of secrets) {
    const usage: KeyUsage[] = ["verify"];
    const key = await crypto.subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, usage);
    for (const one of given) {
      const signature = octets(one.slice(3));
      // All are compared, each in constant time.
      found = (signature !== undefined && (await crypto.subtle.verify("HMAC", key, signature, signed))) || found;
    }
  }
  return found;
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith("whsec_") ? octets(secret.slice(6)) : undefined;
  if (key === undefined || key.length === 0) {
    throw new TypeError("a webhook secret is whsec_ and base64; it was shown when the endpoint was made");
  }
  return key;
}

function octets(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function read(content: Uint8Array): WebhookEvent {
  try {
    const found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    if (typeof found?.id === "string" && typeof found?.type === "string") {
      return found;
    }
  } catch {
    // told below
  }
  throw new WebhookRefused("no_event", "it is genuine, but no event");
}
