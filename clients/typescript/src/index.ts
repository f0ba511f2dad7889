export { Api as Heliograph } from "./api.js";
export type * from "./api.js";
export { each, HeliographError, NotReached, Refused, UnreadableAnswer } from "./client.js";
export type { Options, Page, Settings } from "./client.js";
export * as webhooks from "./webhooks.js";
