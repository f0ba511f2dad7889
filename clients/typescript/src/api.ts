// Made by `python -m clients.generate` from the OpenAPI document; change the gateway instead.

import { Client, type Options } from "./client.js";

/** A value of any form. */
export type Any = any;

/** The codes of problems; docs/reference/errors.md says what to do about each. */
export type ProblemCode = "allowlist_too_long" | "already_exists" | "already_over" | "ambiguous" | "ambiguous_field" | "bad_address" | "bad_anchor" | "bad_app_hash" | "bad_budget" | "bad_characters" | "bad_code" | "bad_connector" | "bad_content" | "bad_correlation_id" | "bad_csrf_token" | "bad_csv" | "bad_currency" | "bad_cursor" | "bad_email" | "bad_format" | "bad_hours" | "bad_idempotency_key" | "bad_inbound" | "bad_ip" | "bad_json" | "bad_link_domain" | "bad_locale" | "bad_max_segments" | "bad_name" | "bad_network" | "bad_origin" | "bad_overlap" | "bad_pin" | "bad_pool" | "bad_price" | "bad_rate" | "bad_secret" | "bad_sender" | "bad_sender_type" | "bad_span" | "bad_tags" | "bad_template" | "bad_time" | "bad_time_zone" | "bad_topic" | "bad_unicode" | "bad_url" | "bad_utf8" | "bad_value" | "bad_variable" | "bad_weights" | "bad_zone" | "batch_too_large" | "body_too_large" | "budget_exceeded" | "challenge_needed" | "channel_not_carried" | "connector_in_use" | "consent_in_review" | "content_blocked" | "credentials_expired" | "cross_site" | "drill_live_traffic" | "drill_not_here" | "drill_not_yours" | "drill_number" | "drill_running" | "dry_run_in_item" | "duplicate_price" | "empty" | "empty_batch" | "empty_body" | "empty_text" | "export_too_large" | "extension" | "forbidden_character" | "foreign_environment" | "foreign_workspace" | "four_eyes" | "frequency_cap" | "idempotency_conflict" | "incomplete_upload" | "internal_error" | "invalid_credentials" | "invalid_request" | "ip_not_allowed" | "key_ended" | "key_needed" | "key_revoked" | "last_owner" | "ledger_unavailable" | "letters" | "link_ended" | "links_not_possible" | "local_only" | "malformed_credentials" | "metadata_too_large" | "method_not_allowed" | "missing_column" | "missing_credentials" | "missing_field" | "missing_package" | "missing_scope" | "missing_variable" | "network_not_allowed" | "no_address" | "no_balance" | "no_calendar" | "no_consent" | "no_more_sends" | "no_opt_out_list" | "no_outage_policy" | "no_phone" | "no_push_connector" | "no_role" | "no_route" | "no_sender_in_pool" | "no_session" | "no_step" | "not_a_person" | "not_approved" | "not_found" | "not_gsm7" | "not_guarded" | "not_international" | "not_kept" | "not_of_channel" | "not_on_allowlist" | "not_ready" | "not_supported" | "not_valid" | "nothing_to_confirm" | "nul_character" | "number_cooling_down" | "number_not_reachable" | "openid_failed" | "opted_out" | "over_budget" | "plan_not_here" | "quiet_hours" | "rate_limited" | "resend_too_soon" | "reserved_keyword" | "runaway" | "second_factor_needed" | "sender_not_for_country" | "sender_not_for_kind" | "sender_not_possible" | "sender_not_registered" | "session_closed" | "several_numbers" | "short_code" | "still_sending" | "still_used" | "template_conflict" | "template_not_approved" | "template_over_budget" | "test_number" | "test_only" | "too_deep" | "too_far_ahead" | "too_late" | "too_long" | "too_many_checks" | "too_many_failures" | "too_many_ids" | "too_many_logins" | "too_short" | "type_not_allowed" | "unknown_audience" | "unknown_canned" | "unknown_channel" | "unknown_column" | "unknown_connector" | "unknown_country" | "unknown_country_code" | "unknown_encoding" | "unknown_endpoint" | "unknown_environment" | "unknown_event" | "unknown_field" | "unknown_item" | "unknown_kind" | "unknown_mode" | "unknown_network" | "unknown_order" | "unknown_parameter" | "unknown_pause_scope" | "unknown_plan" | "unknown_policy" | "unknown_role" | "unknown_route" | "unknown_rule" | "unknown_scope" | "unknown_sender" | "unknown_state" | "unknown_team" | "unknown_template" | "unknown_variable" | "unknown_workspace" | "unreachable_route" | "unsupported_media_type" | "user_disabled" | "verification_blocked" | "verification_delayed" | "verification_ended" | "weak_password" | "wrong_code" | "wrong_login" | "wrong_state" | "wrong_template_state" | "wrong_type" | (string & {});

/** The answer to an accepted message. */
export interface Accepted {
  id: string;
  status: string;
  to: string;
  segments: number;
  encoding: string;
  country: string;
  kind: string;
}

/** What a key says of its SMPP account. */
export interface Account {
  inbound?: string[];
  long_messages?: "payload" | "sar" | "udh" | (string & {});
}

/** A number or e-mail address of a contact, and since when. */
export interface Address {
  address: string;
  since: string;
  until: string | null;
}

/** An alarm with its history, and what its rule advises. */
export interface AlarmDetail {
  alarm: AlarmView;
  history: AlarmStep[];
  means: string;
  steps: string[];
  actions: string[];
}

/** A page of alarms, the newest first. */
export interface AlarmPage {
  data: AlarmView[];
  next_cursor: string | null;
}

/** The beginning of a post-mortem. */
export interface AlarmReport {
  markdown: string;
}

/** All rules. */
export interface AlarmRules {
  data: RuleView[];
}

/** Something that happened to an alarm. */
export interface AlarmStep {
  at: string;
  what: string;
  detail: string;
}

/** An alarm as the API shows it. */
export interface AlarmView {
  id: string;
  rule: string;
  title: string;
  severity: string;
  status: string;
  subject: Record<string, string>;
  summary: string;
  value: number | null;
  limit: number | null;
  usual: number | null;
  unit: string;
  sample: number;
  began_at: string;
  fired_at: string | null;
  last_seen_at: string;
  resolved_at: string | null;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
}

/** The recipients that a guarded environment may reach. */
export interface Allowlist {
  allowlist: string[];
}

/** Was it the app's code? */
export interface AppChecked {
  id: string;
  is_approved: boolean;
}

/** A document as in a file, its objects under `connectors`, `routes`, `senders`, `endpoints`. */
export interface ApplyRequest {
  document: Record<string, Any>;
  prune?: boolean;
  dry_run?: boolean;
}

/** The same; `acknowledge` says why it may be longer than its budget. */
export interface ApproveRequest {
  version?: number | null;
  acknowledge?: string | null;
}

/** What a provider said, and when; `note` says why that is nothing. */
export interface Asked {
  provider: string;
  at: string;
  valid: boolean | null;
  type: string | null;
  carrier: string | null;
  mccmnc: string | null;
  can_receive: boolean | null;
  price: string | null;
  currency: string | null;
  note: string | null;
}

/** One way to reach the person, and how long to wait for a delivery receipt before the next one is tried. */
export interface AskingStep {
  channel?: string;
  wait_s?: number;
}

/** Whose it is. Left out: as it was; null: nobody's. */
export interface AssignRequest {
  team?: string | null;
  agent?: string | null;
}

/** One part of one attempt. */
export interface AttemptView {
  attempt: number;
  part: number;
  connector: string;
  status: string;
  carrier_id: string | null;
  failure: string | null;
  code: string | null;
  carrier_code: string | null;
  handed_at: string;
  answered_at: string | null;
  receipt_at: string | null;
}

/** A page of audiences, by name. */
export interface AudiencePage {
  data: AudienceView[];
  next_cursor: string | null;
}

/** An audience as the API shows it. `lines`: all that were read, and what became of them. */
export interface AudienceView {
  name: string;
  status: string;
  filters: Filter[] | null;
  variables: string[];
  lines: number;
  valid: number;
  bad: number;
  duplicates: number;
  created_at: string;
  filled_at: string | null;
}

/** One entry of the audit log. */
export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  action: string;
  object: string;
  detail: Any;
  ip: string | null;
  hash: string | null;
}

/** Audit entries, the newest first. */
export interface AuditPage {
  data: AuditEntry[];
  next_cursor: string | null;
}

/** One app of one person. */
export interface Authenticator {
  id: string;
  created_at: string;
  confirmed_at: string | null;
}

/** A line that was not taken. */
export interface BadLine {
  line: number;
  code: string;
  detail: string;
}

/** Why a text is not taken as a number, or a number not sent to. */
export interface BadNumber {
  code: string;
  detail: string;
  suggestion?: string | null;
}

/** Messages; `defaults` fills what an item leaves out. With `all_or_none` one bad item refuses all. */
export interface BatchBody {
  messages: MessageRequest[];
  defaults?: Defaults | null;
  all_or_none?: boolean;
}

/** What became of a batch: an outcome for each item, in order, and when the last will probably be sent. */
export interface BatchOutcome {
  batch_id: string;
  estimated_end: string;
  data: ItemOutcome[];
}

/** A batch: how many messages are in which state. */
export interface BatchView {
  id: string;
  total: number;
  states: Record<string, number>;
  is_done: boolean;
}

/** What is used of budgets. */
export interface BudgetList {
  data: BudgetView[];
}

/** One measure of one budget in its present span. `of` names whose it is, where each client, country, kind or tag has its own. `forecast` is where the span would end at the pace so far. */
export interface BudgetView {
  budget: string;
  per: string;
  each: string;
  of: string | null;
  measure: string;
  used: number | string;
  limit: number | string;
  remaining: number | string;
  percent: number;
  forecast: number | string;
  currency: string | null;
  stops: boolean;
  begins_at: string;
  resets_at: string;
}

/** A page of campaigns, the newest first. */
export interface CampaignPage {
  data: CampaignView[];
  next_cursor: string | null;
}

/** What to tell whom, how fast and when. */
export interface CampaignSpec {
  name: string;
  audience: string;
  /** With {{variables}} of the audience; or give variants. */
  text?: string | null;
  variants?: Variant[];
  winner?: Winner | null;
  /** promotional, transactional or support. */
  kind?: string;
  sender?: string | null;
  topic?: string | null;
  tags?: string[];
  max_segments?: number | null;
  /** At most so many a minute. */
  per_minute?: number | null;
  /** At most so many an hour. */
  per_hour?: number | null;
  /** Evenly over so long: seconds, or as in 6h. */
  spread?: number | string | null;
  /** In the recipient's local time: {"mon-sun": "09:00-20:00"}. */
  window?: Record<string, string> | null;
  /** Nothing is sent later: RFC 3339 with an offset. */
  ends_at?: string | null;
}

/** A campaign as the API shows it. */
export interface CampaignView {
  name: string;
  status: string;
  audience: string;
  spec: Any;
  estimate: Estimate | null;
  winner: string | null;
  author: string;
  approved_by: string | null;
  created_at: string;
  starts_at: string | null;
  started_at: string | null;
  finished_at: string | null;
}

/** How many messages of a batch were taken back, and how many could not be. */
export interface Canceled {
  canceled: number;
  too_late: number;
}

/** What one connector did of the traffic that is compared. */
export interface CarrierView {
  connector: string;
  values: Record<string, number | string | Record<string, string> | null>;
}

/** What the person typed. */
export interface CheckRequest {
  code: string;
}

/** Was it the code? Wrong, expired, used before, unknown: that is all the same here. */
export interface Checked {
  id: string;
  is_approved: boolean;
}

/** One click. `bot` says why it was no person. */
export interface ClickView {
  at: string;
  agent: string;
  bot: string | null;
}

/** Connectors that carried the same: to one country, of one kind, at the same time. The cheapest delivery first. */
export interface Comparison {
  country: string;
  kind: string;
  carriers: CarrierView[];
}

/** Connectors beside each other, on the same traffic. */
export interface Comparisons {
  data: Comparison[];
}

/** It is done. */
export interface Confirmed {
  done?: boolean;
}

/** The connectors of this gateway, by name. */
export interface ConnectorList {
  data: ConnectorView[];
}

/** A connector; `up`, `in_flight` and `records` are null where another process runs it. */
export interface ConnectorView {
  name: string;
  kind: string;
  up?: boolean | null;
  reason?: string;
  in_flight?: number | null;
  records?: boolean | null;
  is_paused?: boolean;
}

/** Entries as CSV, the columns named in its first line; `to` is needed. */
export interface ConsentFile {
  csv: string;
}

/** What a person said, or what is known of what they want: whose, what about, and how it came about. */
export interface ConsentRequest {
  /** A number, or an e-mail address. */
  to: string;
  action: "confirmed" | "dismissed" | "doubt" | "help" | "opt_in" | "opt_out" | (string & {});
  /** all, promotional, transactional, otp, or a topic. */
  purpose?: string | null;
  /** Only messages from this sender. */
  sender?: string | null;
  /** web_form, keyword, paper, verbal, double_opt_in, operator … */
  source?: string;
  channel?: string | null;
  language?: string | null;
  /** As it was shown, or as they wrote it. */
  text?: string | null;
  text_version?: string | null;
  ip?: string | null;
  user_agent?: string | null;
  /** The id of the message that carried it. */
  message?: string | null;
  /** When it was said; left out: now. */
  at?: string | null;
  /** When an implied consent ends. */
  until?: string | null;
  detail?: Record<string, string>;
  /** Of all workspaces; for the operator. */
  everywhere?: boolean;
}

/** A person as the public API shows them. */
export interface Contact {
  id: string;
  external_id: string | null;
  name: string | null;
  locale: string | null;
  time_zone: string | null;
  attributes: Record<string, string>;
  addresses: Address[];
  created_at: string;
  updated_at: string;
}

/** A page of contacts, the newest first. */
export interface ContactPage {
  data: Contact[];
  next_cursor: string | null;
}

/** What is to be known of a person. Left out: as it was; null: forgotten. */
export interface ContactRequest {
  /** The id in your system of record. */
  external_id?: string | null;
  name?: string | null;
  /** As in pt-BR. */
  locale?: string | null;
  /** As in Europe/Lisbon. */
  time_zone?: string | null;
  attributes?: Record<string, string>;
  /** Numbers and e-mail addresses; those left out are taken away. */
  addresses?: string[];
}

/** A conversation with what was said and done in it, the oldest first; `older` is the cursor of what was before. */
export interface ConversationDetail {
  id: string;
  number: string;
  sender: string;
  contact?: string | null;
  state: string;
  team: string | null;
  agent: string | null;
  tags: string[];
  waiting_since: string | null;
  escalates_at: string | null;
  created_at: string;
  updated_at: string;
  timeline: TimelineEntry[];
  older: string | null;
}

/** Conversations, those first in which something happened last. */
export interface ConversationPage {
  data: ConversationView[];
  next_cursor: string | null;
}

/** A conversation as the public API and webhooks show it. */
export interface ConversationView {
  id: string;
  number: string;
  sender: string;
  contact?: string | null;
  state: string;
  team: string | null;
  agent: string | null;
  tags: string[];
  waiting_since: string | null;
  escalates_at: string | null;
  created_at: string;
  updated_at: string;
}

/** What was kept: told twice, the first time counts. */
export interface Conversion {
  id: string;
  kind: string;
  at: string;
}

/** What followed of a message, and when; without a time, now. */
export interface ConversionRequest {
  kind: "clicked" | "other" | "replied" | "verified" | (string & {});
  at?: string | null;
}

/** A number that is left alone, since when, until when, and what a carrier said. */
export interface Cooldown {
  number: string;
  since: string;
  until: string;
  failures: number;
  connector: string;
  carrier_code: string | null;
}

/** Numbers that are left alone. */
export interface CooldownPage {
  data: Cooldown[];
  next_cursor: string | null;
}

/** Costs of one group in one currency. A currency of null: messages of which nobody knows what they cost. */
export interface CostView {
  group: string | null;
  currency: string | null;
  total: string;
  message: string;
  surcharge: string;
  inbound: string;
  rental: string;
  lookup: string;
  messages: number;
  segments: number;
  delivered: number;
  failed: number;
  failed_price: string;
  cost_per_delivered: string | null;
}

/** What a span cost: by group, and in all. With `tag` a message counts for each of its tags. */
export interface Costs {
  since: string;
  until: string;
  by: string;
  data: CostView[];
  totals: CostView[];
}

/** Messages by what became of them. `sent` includes what was delivered since, or could not be. */
export interface Counts {
  accepted?: number;
  waiting?: number;
  sent?: number;
  delivered?: number;
  failed?: number;
  canceled?: number;
  segments?: number;
  opted_out?: number;
  refused?: Record<string, number>;
  cost?: Record<string, string>;
}

/** A key just made. `key` and `password` are shown this once. */
export interface CreatedKey {
  id: string;
  name: string;
  workspace: string;
  environment: string;
  mode: string;
  scopes: string[];
  ip_allowlist: string[];
  messages_per_second: number | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  replaces: string | null;
  created_at: string;
  smpp: Account | null;
  key: string;
  account_sid: string;
  system_id?: string | null;
  password?: string | null;
}

/** A new workspace and the key that administers it, shown this once. */
export interface CreatedWorkspace {
  name: string;
  created_at: string;
  admin_key: CreatedKey;
}

/** What declaring did to one object. `secret` is shown this once. */
export interface DeclareChange {
  kind: string;
  name: string;
  workspace: string;
  action: string;
  secret?: string | null;
}

/** One declared object, without its secrets. */
export interface Declared {
  kind: string;
  name: string;
  spec: Record<string, Any>;
}

/** All that the workspace has declared. */
export interface DeclaredList {
  data: Declared[];
}

/** What was done to each object. */
export interface DeclaringChanges {
  data: DeclareChange[];
}

/** A message request in which nothing need be given. */
export interface Defaults {
  to?: string;
  /** What the phone shows. */
  text?: string | null;
  /** Another name of text. */
  body?: string | null;
  /** Another name of text. */
  message?: string | null;
  /** Instead of text: a template, NAME or NAME@VERSION. */
  template?: string | null;
  /** The values of its variables. */
  variables?: Record<string, string> | null;
  /** In which language it is to be, as in pt-BR. */
  locale?: string | null;
  /** Who it comes from; left out: the default sender. */
  sender?: string | null;
  /** Another name of sender. */
  from?: string | null;
  /** Another name of sender. */
  sender_id?: string | null;
  /** otp, transactional, support or promotional. */
  kind?: string | null;
  /** sms, email, …; left out: sms. */
  channel?: string | null;
  /** What the channel takes beside the text. */
  content?: Record<string, Any> | null;
  /** Several channels, one after the other: a plan's name, or steps. */
  plan?: string | PlanStep[] | null;
  /** Not before this time: RFC 3339 with an offset. */
  send_at?: string | null;
  /** Not after this time. */
  valid_until?: string | null;
  /** Not later than so long: seconds, or as in 10m. */
  valid_for?: number | string | null;
  /** Where the recipient lives, as in Europe/Paris. */
  time_zone?: string | null;
  /** Reads national numbers as of this country: GB. */
  default_country?: string | null;
  /** gsm7 or ucs2, to insist on one. */
  encoding?: string | null;
  /** Replace what GSM-7 lacks by what looks alike. */
  smart_encoding?: boolean;
  /** Refuse it when it takes more parts. */
  max_segments?: number | null;
  /** Where its events are told, signed. */
  callback_url?: string | null;
  /** Which of them; left out: all. */
  callback_events?: string[] | null;
  /** What it is about, as the consent record knows it: news. */
  topic?: string | null;
  /** Up to 20 words to find it by. */
  tags?: string[] | null;
  /** Comes back with its events; up to 4 kB. */
  metadata?: Record<string, string> | null;
  /** Your own id of what it belongs to. */
  correlation_id?: string | null;
  /** Short links for its web addresses, or none. */
  shorten_links?: boolean | null;
  /** Say what would happen, and do nothing. */
  dry_run?: boolean;
}

/** One delivery with what is sent, to where, and every try that failed. */
export interface DeliveryDetail {
  id: string;
  event_id: string;
  event_type: string;
  target: string;
  status: string;
  tries: number;
  next_try_at: string | null;
  answered_at: string | null;
  http_status: number | null;
  latency_ms: number | null;
  error: string | null;
  is_replay: boolean;
  url: string | null;
  format: string;
  event: Any;
  failed_tries: FailedTry[];
}

/** Deliveries, the newest first. */
export interface DeliveryPage {
  data: DeliveryView[];
  next_cursor: string | null;
}

/** One event on its way to one place. */
export interface DeliveryView {
  id: string;
  event_id: string;
  event_type: string;
  target: string;
  status: string;
  tries: number;
  next_try_at: string | null;
  answered_at: string | null;
  http_status: number | null;
  latency_ms: number | null;
  error: string | null;
  is_replay: boolean;
}

/** Templates as in a file, by their names. */
export interface Document {
  templates: Record<string, Record<string, Any>>;
}

/** What was set going. */
export interface Done {
  deliveries: number;
}

/** What differs. `only_ours`: opted out here, texted through the connector before, and unknown to the provider. */
export interface Drift {
  connector: string;
  theirs: number;
  ours: number;
  only_theirs: string[];
  only_ours: string[];
}

/** A page of drills, the newest first. */
export interface DrillPage {
  data: DrillView[];
  next_cursor: string | null;
}

/** What goes out: all connectors of a route, or these; for how long; and whom the probes go to. */
export interface DrillRequest {
  route?: string | null;
  connectors?: string[];
  /** The link goes down, or it stays and everything is refused. */
  how?: "down" | "failing" | (string & {});
  seconds?: number;
  to?: string;
}

/** A drill as the API shows it; the report comes when it is done. */
export interface DrillView {
  id: string;
  status: string;
  connectors: string[];
  how: string;
  seconds: number;
  actor: string;
  began_at: string;
  out_from: string | null;
  out_until: string | null;
  ended_at: string | null;
  report: ReportReport | null;
}

/** What would happen to a message: how it would look, which way it would go, and why. Nothing was kept. */
export interface DryRun {
  dry_run: boolean;
  channel: string;
  to: string;
  country: string;
  kind: string;
  sender: string | null;
  text: string | null;
  template: string | null;
  encoding: string;
  segments: number;
  price: string | null;
  currency: string | null;
  route: string[];
  decision: Any;
}

/** What would happen to the messages of a batch, where `defaults` says `dry_run`. */
export interface DryRuns {
  data: DryRun[];
}

/** All endpoints of the environment. */
export interface EndpointList {
  data: EndpointView[];
}

/** An endpoint as it is to be. */
export interface EndpointRequest {
  name: string;
  url: string;
  events?: string[];
  secret?: string | null;
  format?: string;
  timeout_ms?: number | null;
  max_in_flight?: number;
  batch?: number;
}

/** An endpoint as it stands. `secret` is shown once, when it was made here. */
export interface EndpointView {
  name: string;
  url: string;
  events: string[];
  format: string;
  is_disabled: boolean;
  failing_since: string | null;
  reason: string | null;
  secrets: number;
  secret?: string | null;
}

/** What the person's app is to show. Neither is kept. */
export interface EnrollRequest {
  /** Such as their name with you. */
  account: string;
  /** Your name. */
  issuer: string;
}

/** What the person's app needs. Shown this once. */
export interface Enrolled {
  id: string;
  secret: string;
  address: string;
}

/** An environment as the public API shows it. */
export interface Environment {
  name: string;
  mode: string;
  allowlist: string[];
  created_at: string;
}

/** The environments of the workspace. */
export interface EnvironmentList {
  data: Environment[];
}

/** What was erased; `is_suppressed`: the person had said no, and that goes on to hold. `outside` may name them. */
export interface Erased {
  messages?: number;
  inbound?: number;
  events?: number;
  consents?: number;
  is_suppressed?: boolean;
  outside?: Outside[];
}

/** One erasure, as it is kept and as the journal has it. */
export interface ErasingEntry {
  workspace: string;
  hash: string;
  is_suppressed: boolean;
  reason: string;
  at: string;
}

/** Who is to be erased, and why; the reason is kept. */
export interface ErasureRequest {
  number: string;
  reason?: string;
}

/** What a campaign would do if it began now. `refused`: by the code of what stands against it. */
export interface Estimate {
  recipients: number;
  reachable: number;
  refused: Record<string, number>;
  duplicates: number;
  bad: number;
  held: number;
  segments: number;
  most_segments: number;
  cost: Record<string, string>;
  unpriced: number;
  checked_at: string;
}

/** Events, the oldest first. */
export interface EventPage {
  data: EventView[];
  next_cursor: string | null;
}

/** An event as the public API and webhooks show it. */
export interface EventView {
  id: string;
  type: string;
  created_at: string;
  data: Any;
}

/** What can be exported, in which formats; and the exports that are made again and again. */
export interface Exports {
  data: What[];
  formats: string[];
  scheduled: Scheduled[];
}

/** A try that was not answered well. */
export interface FailedTry {
  number: number;
  at: string;
  http_status: number | null;
  latency_ms: number | null;
  error: string | null;
}

/** Why a message did not arrive. */
export interface Failure {
  failure: string | null;
  code: string | null;
  carrier_code: string | null;
}

/** Something that isn't as we wrote it. */
export interface Fault {
  entry: number;
  what: string;
}

/** A page of faults, by line. */
export interface FaultPage {
  data: FaultView[];
  next_cursor: string | null;
}

/** A line that names nobody, and why. */
export interface FaultView {
  line: number;
  code: string;
  detail: string;
}

/** What became of a file. `bad`: the first thousand lines that were not taken. */
export interface FilesReport {
  lines: number;
  taken: number;
  refused: number;
  dry_run: boolean;
  bad: BadLine[];
}

/** One thing that must be so of a contact. Without a comparison: the field must be there. */
export interface Filter {
  /** name, locale, time_zone, external_id, country, attributes.NAME; or consent: to what. */
  field: string;
  is?: string | null;
  in?: string[] | null;
  is_not?: string | null;
  begins?: string | null;
}

/** What a rule found, where it begins and ends in the text, and what would be right. */
export interface Finding {
  rule: string;
  severity: string;
  detail: string;
  where: [number, number];
  suggestion: string;
}

/** A character that GSM-7 lacks: where it stands and what could stand there instead. */
export interface Forcing {
  position: number;
  character: string;
  name: string;
  replacement: string | null;
}

/** A page of goals, the newest first. */
export interface GoalPage {
  data: GoalView[];
  next_cursor: string | null;
}

/** A goal that was reached, of a message or of a contact. */
export interface GoalRequest {
  goal: string;
  message_id?: string | null;
  contact_id?: string | null;
  reference?: string;
  value?: string | null;
  currency?: string | null;
  at?: string | null;
}

/** A goal as the API shows it. */
export interface GoalView {
  id: string;
  goal: string;
  message_id: string | null;
  contact_id: string | null;
  reference: string | null;
  value: string | null;
  currency: string | null;
  at: string;
  repeated?: boolean;
}

/** What the fraud guard said, and why. */
export interface GuardView {
  action: string;
  reasons: string[];
}

/** Where the chain ends. Noted elsewhere, it shows later whether the log was cut off before it. */
export interface Head {
  entry: number;
  hash: string;
}

/** The same, to be declared. */
export interface ImportRequest {
  templates: Record<string, Record<string, Any>>;
  dry_run?: boolean;
}

/** What an import did: these connectors have these prices now, and no others. */
export interface Imported {
  connectors: string[];
  lines: number;
}

/** Messages from phones, the newest first. */
export interface InboundPage {
  data: InboundView[];
  next_cursor: string | null;
}

/** A message from a phone as the public API shows it. What is found out about it is there a moment later. */
export interface InboundView {
  id: string;
  from: string;
  to: string;
  text: string | null;
  connector: string;
  received_at: string;
  settled_at: string | null;
  conversation?: string | null;
  contact?: string | null;
  in_reply_to?: string | null;
  tags?: string[];
  team?: string | null;
  rules?: string[];
  keyword?: Any;
  opt_out?: boolean;
  flow?: string | null;
}

/** One group. Of each measure the values, one for each time, and the value of the whole time. */
export interface InsightLine {
  group: Record<string, string>;
  values: Record<string, (number | string | Record<string, string> | null)[]>;
  total: Record<string, number | string | Record<string, string> | null>;
  previous?: Record<string, number | string | Record<string, string> | null> | null;
}

/** Measures over time. */
export interface Insights {
  since: string;
  until: string;
  step_s: number | null;
  times: string[];
  data: InsightLine[];
}

/** What became of one item of a batch: an accepted message, or why it was refused (status `refused`). */
export interface ItemOutcome {
  status: string;
  id?: string | null;
  to?: string | null;
  segments?: number | null;
  encoding?: string | null;
  country?: string | null;
  kind?: string | null;
  code?: string | null;
  detail?: string | null;
  pointer?: string | null;
}

/** Erasures, the oldest first. They name nobody: the hashes are keyed. */
export interface Journal {
  data: ErasingEntry[];
}

/** Keys, in the order of their making. */
export interface KeyList {
  data: KeyView[];
  next_cursor: string | null;
}

/** A key as it may be shown at any time. */
export interface KeyView {
  id: string;
  name: string;
  workspace: string;
  environment: string;
  mode: string;
  scopes: string[];
  ip_allowlist: string[];
  messages_per_second: number | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  replaces: string | null;
  created_at: string;
  smpp: Account | null;
}

/** Of the browser: what is meant for it is encrypted with them. */
export interface Keys {
  p256dh: string;
  auth: string;
}

/** What became of a kind. */
export interface KindReport {
  kind: string;
  plan: string;
  as_planned: boolean;
  delivered: number;
  failed: number;
  held: number;
  other_channel: number;
  lost: number;
  doubled: number;
  probes: Probe[];
}

/** All that is known of a person. */
export interface Known {
  number: string;
  made_at: string;
  messages: MessageView[];
  events: EventView[];
  inbound: Texted[];
  conversations: Talk[];
  lookups: LookedUp[];
  verifications: Verified[];
  contact: Contact | null;
  consents: Recorded[];
  audiences: Listed[];
  plans: Planned[];
  is_suppressed: boolean;
  suppressed_since: string | null;
  audit: AuditEntry[];
  links: LinkView[];
}

/** Who goes first on a route by quality, where that is not the first in its list. */
export interface LeaderView {
  route: string;
  country: string;
  kind: string;
  connector: string;
  since: string;
}

/** A number that may be texted again. */
export interface Lifted {
  number: string;
}

/** What makes a text longer: a value of a variable that is longer than this, or that brings other characters. */
export interface Limit {
  variable: string;
  longest: number | null;
  segments: number;
  says: string;
}

/** How many verifications may be asked for; 0: as many as one likes. */
export interface Limits {
  phone_per_hour?: number;
  phone_per_day?: number;
  near_per_10_minutes?: number;
  prefix_per_10_minutes?: number;
  prefix_per_hour?: number;
  ip_per_10_minutes?: number;
  ip_per_day?: number;
  device_per_hour?: number;
  country_per_day?: number;
  client_per_hour?: number;
  workspace_per_day?: number;
  failures_per_hour?: number;
  failures_per_day?: number;
}

/** Of a country, a prefix (a number without its last four digits), or a client. */
export interface Line {
  name: string;
  started: number;
  sent: number;
  approved: number;
  blocked: number;
  conversion: number | null;
}

/** A user, and the link by which they set their password: to be handed over, shown this once, good for once. */
export interface Link {
  user: UserView;
  link: string;
  expires_at: string;
}

/** The short links of a message. */
export interface LinkList {
  data: LinkView[];
}

/** A short link of a message; `clicks` by people, `bot_clicks` by programs. */
export interface LinkView {
  token: string;
  url: string | null;
  expires_at: string;
  clicks: number;
  bot_clicks: number;
  last_clicks: ClickView[];
}

/** An audience that names the person, with what it says of them. */
export interface Listed {
  audience: string;
  since: string;
  variables: Record<string, string>;
}

/** A request and its answer. `times`: so many of its kind came in the same second, of which this is the last that has a line of its own; `took_ms`: the longest of them. */
export interface LoggedRequest {
  id: string;
  at: string;
  key_id: string;
  key_name: string;
  method: string;
  route: string | null;
  path: string;
  query: string[];
  status: number;
  code: string | null;
  type: string | null;
  errors: RequestError[];
  took_ms: number;
  request_id: string;
  user_agent: string | null;
  bytes_in: number;
  bytes_out: number | null;
  has_idempotency_key: boolean;
  times: number;
}

/** What a provider said of the number when it was asked. */
export interface LookedUp {
  at: string;
  provider: string;
  answer: Any;
}

/** A number, what public metadata say of it, and what a provider said. */
export interface LookupView {
  asked?: Asked | null;
  e164: string;
  country: string;
  type: string;
  valid: boolean;
  national: string;
  international: string;
  time_zones: string[];
  carrier: string | null;
  carrier_note: string | null;
  is_test_number: boolean;
  may_be_texted: boolean;
  why_not: BadNumber | null;
}

/** Who asks, and what that key may do. */
export interface Me {
  key_id: string;
  name: string;
  workspace: string;
  environment: string;
  mode: string;
  scopes: string[];
  account_sid: string;
  messages_per_second: number | null;
  default_country: string | null;
}

/** A measure, and how it comes about. */
export interface MeasureView {
  name: string;
  unit: string;
  formula: string;
  meaning: string;
  by: string[];
}

/** All that can be asked for. */
export interface Measures {
  data: MeasureView[];
}

/** A message with its attempts and the decision that sent it its way. */
export interface MessageDetail {
  id: string;
  status: string;
  channel: string;
  to: string;
  country: string;
  kind: string;
  sender: string | null;
  text: string | null;
  encoding: string;
  segments: number;
  created_at: string;
  updated_at: string;
  send_at: string | null;
  next_attempt_at: string | null;
  valid_until: string;
  sent_at: string | null;
  final_at: string | null;
  retry_count: number;
  connector: string | null;
  price: string | null;
  currency: string | null;
  error: Failure | null;
  possible_duplicate: boolean;
  batch_id: string | null;
  correlation_id: string | null;
  tags: Any;
  metadata: Any;
  template: string | null;
  content: Any;
  network: string | null;
  surcharge: string | null;
  billed_segments: number | null;
  attempts: AttemptView[];
  decision: Any;
}

/** Messages, the newest first. One look goes over 200,000 at most: read on as long as there is a next_cursor, also when a page is empty. */
export interface MessagePage {
  data: MessageView[];
  next_cursor: string | null;
}

/** The body of POST /v1/messages, and one item of a batch. */
export interface MessageRequest {
  /** The recipient, as in +447400123456; a short code; an e-mail address. */
  to: string;
  /** What the phone shows. */
  text?: string | null;
  /** Another name of text. */
  body?: string | null;
  /** Another name of text. */
  message?: string | null;
  /** Instead of text: a template, NAME or NAME@VERSION. */
  template?: string | null;
  /** The values of its variables. */
  variables?: Record<string, string> | null;
  /** In which language it is to be, as in pt-BR. */
  locale?: string | null;
  /** Who it comes from; left out: the default sender. */
  sender?: string | null;
  /** Another name of sender. */
  from?: string | null;
  /** Another name of sender. */
  sender_id?: string | null;
  /** otp, transactional, support or promotional. */
  kind?: string | null;
  /** sms, email, …; left out: sms. */
  channel?: string | null;
  /** What the channel takes beside the text. */
  content?: Record<string, Any> | null;
  /** Several channels, one after the other: a plan's name, or steps. */
  plan?: string | PlanStep[] | null;
  /** Not before this time: RFC 3339 with an offset. */
  send_at?: string | null;
  /** Not after this time. */
  valid_until?: string | null;
  /** Not later than so long: seconds, or as in 10m. */
  valid_for?: number | string | null;
  /** Where the recipient lives, as in Europe/Paris. */
  time_zone?: string | null;
  /** Reads national numbers as of this country: GB. */
  default_country?: string | null;
  /** gsm7 or ucs2, to insist on one. */
  encoding?: string | null;
  /** Replace what GSM-7 lacks by what looks alike. */
  smart_encoding?: boolean;
  /** Refuse it when it takes more parts. */
  max_segments?: number | null;
  /** Where its events are told, signed. */
  callback_url?: string | null;
  /** Which of them; left out: all. */
  callback_events?: string[] | null;
  /** What it is about, as the consent record knows it: news. */
  topic?: string | null;
  /** Up to 20 words to find it by. */
  tags?: string[] | null;
  /** Comes back with its events; up to 4 kB. */
  metadata?: Record<string, string> | null;
  /** Your own id of what it belongs to. */
  correlation_id?: string | null;
  /** Short links for its web addresses, or none. */
  shorten_links?: boolean | null;
  /** Say what would happen, and do nothing. */
  dry_run?: boolean;
}

/** A message as the public API shows it. */
export interface MessageView {
  id: string;
  status: string;
  channel: string;
  to: string;
  country: string;
  kind: string;
  sender: string | null;
  text: string | null;
  encoding: string;
  segments: number;
  created_at: string;
  updated_at: string;
  send_at: string | null;
  next_attempt_at: string | null;
  valid_until: string;
  sent_at: string | null;
  final_at: string | null;
  retry_count: number;
  connector: string | null;
  price: string | null;
  currency: string | null;
  error: Failure | null;
  possible_duplicate: boolean;
  batch_id: string | null;
  correlation_id: string | null;
  tags: Any;
  metadata: Any;
  template: string | null;
  content: Any;
}

/** An amount. */
export interface Money {
  amount: string;
  currency: string;
}

/** The present month, in UTC. */
export interface Month {
  since: string;
  until: string;
  method: string;
  data: MonthView[];
}

/** A month in one currency: what is spent, and what it will come to. */
export interface MonthView {
  currency: string;
  spent: string;
  expected: string;
  low: string;
  high: string;
  rental: string;
  total: string;
}

/** An environment as it is to be. */
export interface NewEnvironment {
  name: string;
  mode?: string;
  allowlist?: string[];
}

/** A key as it is to be. */
export interface NewKey {
  name: string;
  environment?: string | null;
  scopes?: string[];
  ip_allowlist?: string[];
  messages_per_second?: number | null;
  expires_at?: string | null;
  short?: boolean;
  smpp?: boolean;
  inbound?: string[] | null;
  long_messages?: "payload" | "sar" | "udh" | (string & {});
}

/** Whom to let in, and their roles by environment. */
export interface NewUser {
  email: string;
  name: string;
  roles: Record<string, string[]>;
}

/** A workspace as it is to be. */
export interface NewWorkspace {
  name: string;
}

/** What only you see. */
export interface NoteRequest {
  text: string;
  /** Who of yours it is. */
  agent?: string | null;
}

/** A page of outages, the newest first. */
export interface OutagePage {
  data: OutageView[];
  next_cursor: string | null;
}

/** Is the network out? */
export interface OutageRequest {
  is_out: boolean;
  connector?: string;
}

/** An outage as the API shows it. `country` None: all of them. */
export interface OutageView {
  id: string;
  status: string;
  connectors: string[];
  country: string | null;
  why: string;
  shut_since: string;
  began_at: string;
  ended_at: string | null;
  held: number;
  moved: number;
  failed: number;
}

/** Of one channel. `reached`: it ended the plan; `seconds`: how long that took, on average. */
export interface Outcome {
  channel: string;
  tried?: number;
  sent?: number;
  reached?: number;
  skipped?: number;
  reached_percent?: number | null;
  seconds?: number | null;
  cost?: Record<string, string>;
  cost_per_reached?: Record<string, string>;
}

/** By channel, the one that reaches most people first. */
export interface OutcomeList {
  data: Outcome[];
}

/** What was handed out before, and is out of reach: an `export`, with its last object, or a `stream`. */
export interface Outside {
  kind: string;
  name: string;
  last: string | null;
}

/** Verifications, the newest first. */
export interface Page {
  data: VerificationView[];
  next_cursor: string | null;
}

/** One pause as the public API shows it. */
export interface Pause {
  scope: string;
  value: string;
  actor: string;
  since: string;
}

/** Pauses in force. */
export interface PauseList {
  data: Pause[];
}

/** What to stop: all, a workspace, a connector or a kind. */
export interface PauseRequest {
  scope: string;
  value?: string;
}

/** What a phone sends. */
export interface PhoneRequest {
  from: string;
  to: string;
  text: string;
  connector?: string;
}

/** One way to reach the person. */
export interface PlanStep {
  /** By which channel. */
  channel?: string;
  /** An address of their own; left out: the contact's. */
  to?: string | null;
  /** Only these connectors, in this order. */
  via?: string[];
  /** Other words than the message's. */
  text?: string | null;
  /** What the channel takes beside the text. */
  content?: Record<string, Any> | null;
  /** Who it comes from. */
  sender?: string | null;
  /** What ends the plan. */
  until?: "delivered" | "read" | "sent" | (string & {}) | null;
  /** How soon, else the next step begins too: 20s, 10m. */
  within?: string | null;
  /** Only for messages of these kinds. */
  kinds?: string[];
  /** What becomes of it then. */
  in_quiet_hours?: "skip" | "wait" | (string & {});
}

/** A plan that was to reach the person; its messages stand among the others. */
export interface Planned {
  id: string;
  plan: string | null;
  status: string;
  kind: string;
  at: string;
}

/** The workspace's consent policy from a time on. None: the policy that this program comes with. */
export interface PolicyThen {
  since: string;
  policy: Any;
  by: string;
}

/** The text as it would be sent. */
export interface Preview {
  text: string;
  encoding: string;
  segments: number;
  units: number;
  units_left: number;
  parts: Segment[];
  forced_by: Forcing[];
  replaced: SegmentsReplacement[];
  allowed_segments: number;
  within_budget: boolean;
  findings: Finding[];
  within_content_rules: boolean;
}

/** The texts of one version as they would be sent. */
export interface PreviewList {
  version: number;
  data: TextPreview[];
}

/** With which values, in which language, to which country; left out: the examples, every text. */
export interface PreviewRequest {
  version?: number | null;
  variables?: Record<string, string> | null;
  locale?: string | null;
  country?: string;
  sender?: string | null;
}

/** A table as CSV: connector, item, country, network, kind, price, currency; its first line names the columns. */
export interface PriceFile {
  csv: string;
}

/** What one segment, or one question about a number, costs. Empty: every country, every network, every kind. */
export interface PriceLine {
  connector: string;
  item: string;
  country: string;
  network: string;
  kind: string;
  price: string;
  currency: string;
}

/** All prices, by connector, item, country, network and kind. */
export interface PriceList {
  data: PriceLine[];
}

/** What became of one probe. */
export interface Probe {
  id: string;
  phase: string;
  status: string;
  connector: string;
  channel: string;
  ms: number | null;
  held: boolean;
  code: string | null;
  as_planned: boolean;
  why: string | null;
}

/** How far it is. `in_time_percent`: how much will have left before `ends_at`, as things go now. */
export interface Progress {
  recipients: number;
  handled: number;
  total: Counts;
  variants: Record<string, Counts>;
  estimated_end: string | null;
  in_time_percent: number | null;
}

/** What a lawyer reads. `digest`: SHA-256 of all the rest. */
export interface ProofProof {
  workspace: string;
  address: string;
  made_at: string;
  made_by: string;
  person: Contact | null;
  stays: Stay[];
  standing: Record<string, string>;
  record: Recorded[];
  policy: PolicyThen[];
  messages: SentBecause[];
  digest?: string;
}

/** The `applicationServerKey` of `PushManager.subscribe()`. */
export interface PushKey {
  connector: string;
  public_key: string;
}

/** Done. */
export interface PushesRemoved {
  id: string;
}

/** An entry as the record has it; `is_test`: from a test environment, where a yes permits nothing. */
export interface Recorded {
  id: string;
  address: string;
  contact: string | null;
  action: string;
  scope: string;
  source: string;
  at: string;
  recorded_at: string;
  channel: string | null;
  language: string | null;
  text: string | null;
  text_version: string | null;
  ip: string | null;
  user_agent: string | null;
  message: string | null;
  detail: Any;
  until: string | null;
  actor: string;
  is_test: boolean;
}

/** What is left in an account. */
export interface RecordingsBalance {
  connector: string;
  amount: string;
  currency: string;
}

/** What is to be different; what is left out stays. */
export interface ReplacingReplacement {
  /** What the phone shows. */
  text?: string | null;
  /** gsm7 or ucs2, to insist on one for the new text. */
  encoding?: string | null;
  /** Replace what GSM-7 lacks by what looks alike. */
  smart_encoding?: boolean;
  /** Leave it as it was when the new text takes more. */
  max_segments?: number | null;
  /** Of a scheduled message: not before this time. */
  send_at?: string | null;
  /** Not after this time. */
  valid_until?: string | null;
}

/** What to tell again: a span of time, or messages. */
export interface ReplayRequest {
  since?: string | null;
  until?: string | null;
  messages?: string[] | null;
}

/** The answer on its way. */
export interface Replied {
  message: string;
  conversation: ConversationView;
}

/** What is to be answered: a text, or the name of a prepared one. */
export interface ReplyRequest {
  text?: string | null;
  /** One of policies.conversations.canned. */
  canned?: string | null;
  /** Who of yours it is. */
  agent?: string | null;
}

/** A drill in the end. `passed`: every plan did what it says, and nothing was lost or doubled. */
export interface ReportReport {
  passed: boolean;
  detected_after_ms: number | null;
  over_after_ms: number | null;
  recovered_after_ms: number | null;
  lost: number;
  doubled: number;
  kinds: KindReport[];
  left_out: Record<string, string>;
}

/** What was wrong: a pointer to the field, and the code. */
export interface RequestError {
  pointer: string;
  code: string;
}

/** Requests, the newest first. */
export interface RequestPage {
  data: LoggedRequest[];
  next_cursor: string | null;
}

/** Over which channel; left out: the next one of the plan. */
export interface ResendRequest {
  channel?: string | null;
}

/** Somebody who may have said no. */
export interface Review {
  to: string;
  scope: string;
  since: string;
  text: string | null;
}

/** A page of what waits for review, the oldest first. */
export interface ReviewPage {
  data: Review[];
}

/** All roles, by environment; what is left out is taken away. */
export interface RolesRequest {
  roles: Record<string, string[]>;
}

/** How long the old key works on. */
export interface Rotation {
  overlap?: number | string;
}

/** A rule as it holds in this workspace. */
export interface RuleView {
  name: string;
  title: string;
  enabled: boolean;
  severity: string;
  unit: string;
  limit: number;
  factor: number;
  minimum: number;
  for_s: number;
  by: string[];
  means: string;
  steps: string[];
  actions: string[];
}

/** Runs, the newest first. */
export interface RunPage {
  data: RunView[];
  next_cursor: string | null;
}

/** A run as the public API and webhooks show it. */
export interface RunView {
  id: string;
  plan: string | null;
  status: string;
  to: string;
  kind: string;
  reached_by: string | null;
  steps: StepView[];
  created_at: string;
  ended_at: string | null;
}

/** What is told, and to which endpoints. */
export interface Sample {
  type: string;
  created_at: string;
  data: Record<string, Any>;
  endpoints: string[];
}

/** Of which type. */
export interface SampleRequest {
  type: string;
}

/** Types of which there is a sample. */
export interface SampleTypes {
  data: string[];
}

/** How an export that is made again and again stands. */
export interface Scheduled {
  name: string;
  what: string;
  format: string;
  every: string;
  done_until: string | null;
  last_object: string | null;
  last_at: string | null;
  error: string | null;
}

/** One part: its text, how many septets or units it takes, and how many it might. */
export interface Segment {
  text: string;
  units: number;
  limit: number;
}

/** Contacts that fit all filters, as they are now. */
export interface SegmentRequest {
  name: string;
  filters: Filter[];
}

/** What smart encoding put in another's place. */
export interface SegmentsReplacement {
  position: number;
  character: string;
  replacement: string;
}

/** A text to look at. */
export interface SegmentsRequest {
  text: string;
  smart_encoding?: boolean;
  kind?: string;
  /** Where it is to go: GB; some have content rules of their own. */
  country?: string;
  /** Who it is to come from; left out: the default sender. */
  sender?: string | null;
  national?: string[];
  reference_bits?: number;
}

/** A message that went out because of an entry of the record. */
export interface SentBecause {
  id: string;
  at: string;
  kind: string;
  topic: string | null;
  sender: string | null;
  record: string | null;
}

/** Where one is logged in. */
export interface SessionList {
  data: SessionView[];
}

/** One of a user's sessions. */
export interface SessionView {
  id: string;
  is_current: boolean;
  environment: string;
  ip: string | null;
  user_agent: string | null;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
}

/** What is not to be told for a while. */
export interface Silence {
  id: string;
  rule: string | null;
  subject: Record<string, string>;
  until: string;
  why: string;
  by: string;
}

/** What is not to be told: of one rule or of all, about something or about anything, for how long, and why. */
export interface SilenceRequest {
  why: string;
  duration?: number | string | null;
  until?: string | null;
  rule?: string | null;
  subject?: Record<string, string>;
}

/** What is silent now. */
export interface Silences {
  data: Silence[];
}

/** The parts that one text of a template takes. */
export interface Sizes {
  locale: string;
  country: string;
  minimal: number;
  typical: number;
  maximal: number;
  encoding: string;
  worst_encoding: string;
  forced_by_template: Forcing[];
  forced_by_variables: string[];
  limits: Limit[];
}

/** A template as it is declared, under `[templates.NAME]`. */
export interface Spec {
  texts: Record<string, string>;
  kind?: "otp" | "promotional" | "support" | "transactional" | (string & {});
  default_locale?: string;
  variables?: Record<string, Variable>;
  countries?: Record<string, Record<string, string>>;
  topic?: string | null;
  owner?: string;
  description?: string;
  max_segments?: number | null;
  review_by?: string | null;
}

/** A text as it goes over the air. */
export interface Split {
  encoding: string;
  segments: Segment[];
  units: number;
  locking?: string | null;
  single?: string | null;
}

/** What holds for one scope. */
export interface StanceView {
  scope: string;
  opted_in_at: string | null;
  confirmed_at: string | null;
  until: string | null;
  opted_out_at: string | null;
  firm: boolean;
  in_review_since: string | null;
}

/** What holds for a person, and all that was recorded. `may_send`: by kind, `yes` or why not. */
export interface Standing {
  to: string;
  may_send: Record<string, string>;
  stances: StanceView[];
  data: Recorded[];
}

/** All that is known of the span. */
export interface Standings {
  since: string;
  until: string;
  data: WayView[];
  leaders: LeaderView[];
}

/** When it begins; left out: now. */
export interface StartRequest {
  /** RFC 3339 with an offset. */
  at?: string | null;
}

/** A verification that has begun. `test_code`: with test keys alone, whose messages reach no phone. */
export interface Started {
  id: string;
  status: string;
  to: string;
  country: string;
  channel: string;
  purpose: string | null;
  locale: string;
  sends: number;
  sends_left: number;
  checks_left: number;
  created_at: string;
  expires_at: string;
  may_resend_at: string | null;
  ended_at: string | null;
  message_id: string | null;
  guard: GuardView;
  price: string | null;
  currency: string | null;
  test_code?: string | null;
}

/** Where a message stands. */
export interface State {
  id: string;
  status: string;
  final: boolean;
  updated_at: string;
}

/** States of the messages that exist; ids that are none of yours. */
export interface States {
  data: State[];
  unknown: string[];
}

/** Ids to look up. */
export interface StatesRequest {
  ids: string[];
}

/** Since a time; the lines with the most first. */
export interface Statistics {
  total: Line;
  countries: Line[];
  prefixes: Line[];
  clients: Line[];
  saved: Money[];
}

/** Whose an address was, and when. */
export interface Stay {
  contact: string;
  since: string;
  until: string | null;
}

/** One way that was tried. `took_ms`: from its beginning until it reached the person. */
export interface StepView {
  channel: string;
  to: string | null;
  status: string;
  reason: string | null;
  message_id: string | null;
  connector: string | null;
  price: string | null;
  currency: string | null;
  begun_at: string;
  sent_at: string | null;
  took_ms: number | null;
}

/** How a stream stands. */
export interface StreamView {
  name: string;
  kind: string;
  environment: string;
  events: string[];
  disabled: boolean;
  sent: number;
  last_event_at: string | null;
  moved_at: string | null;
  failing_since: string | null;
  error: string | null;
}

/** All of a workspace. */
export interface Streams {
  data: StreamView[];
}

/** What `PushSubscription.toJSON()` gives, and whose it is. */
export interface SubscriptionRequest {
  endpoint: string;
  keys: Keys;
  contact?: string | null;
  user_agent?: string | null;
  expirationTime?: number | null;
}

/** A subscription as the public API shows it: whose it is, not how to write to it. */
export interface SubscriptionView {
  id: string;
  contact: string | null;
  service: string;
  user_agent: string | null;
  status: string;
  created_at: string;
}

/** A template in a list. */
export interface Summary {
  name: string;
  kind: string;
  topic: string | null;
  owner: string;
  locales: string[];
  version: number;
  state: string;
  approved_version: number | null;
  review_by: string | null;
}

/** The templates of the workspace. */
export interface SummaryList {
  data: Summary[];
}

/** Somebody who said no, and what to. */
export interface Suppressed {
  to: string;
  scope: string;
  since: string;
  firm: boolean;
}

/** A page of those who said no, by address. */
export interface SuppressedPage {
  data: Suppressed[];
  next_cursor: string | null;
}

/** Tags to add and to take away. */
export interface TagsRequest {
  add?: string[];
  remove?: string[];
}

/** Done. */
export interface Taken {
  connector: string;
}

/** A conversation with what was received and noted in it, the oldest first. */
export interface Talk {
  conversation: ConversationView;
  entries: TimelineEntry[];
}

/** A template with its versions, the newest first, and what the texts of the newest take. */
export interface TemplateView {
  name: string;
  kind: string;
  topic: string | null;
  owner: string;
  locales: string[];
  version: number;
  state: string;
  approved_version: number | null;
  review_by: string | null;
  sizes: Sizes[];
  versions: VersionView[];
}

/** What was done to each template. */
export interface TemplatesChanges {
  data: DeclareChange[];
}

/** Who took a version a step further, and when. */
export interface TemplatesStep {
  by: string;
  at: string;
}

/** What became of a test. */
export interface TestAnswer {
  data: Tested[];
}

/** Who gets every variant, and the values of its variables. */
export interface TestRequest {
  to: string[];
  variables?: Record<string, string>;
}

/** One test message: its id, or the code of what stood against it. */
export interface Tested {
  to: string;
  variant: string;
  id: string | null;
  refused: string | null;
}

/** One text of a template as it would be sent. */
export interface TextPreview {
  locale: string;
  country: string;
  text: string;
  encoding: string;
  segments: number;
  parts: Split;
  price: string | null;
  currency: string | null;
  sizes: Sizes;
  allowed_segments: number;
  within_budget: boolean;
  findings: Finding[];
  within_content_rules: boolean;
}

/** What the person's phone sent. */
export interface Texted {
  at: string;
  to: string;
  text: string | null;
  connector: string;
}

/** What happened to a message, the oldest first; all of it is on one page. */
export interface Timeline {
  data: TimelineEvent[];
  next_cursor?: string | null;
}

/** Something that was said or done. */
export interface TimelineEntry {
  id: string;
  at: string;
  kind: string;
  by?: string | null;
  text?: string | null;
  message?: string | null;
  status?: string | null;
  automatic?: boolean;
  detail?: Any;
}

/** An event of a message, with what it means: as people would say it, and what a carrier or a rule said of it. */
export interface TimelineEvent {
  id: string;
  type: string;
  created_at: string;
  data: Any;
  says: string;
  detail: string | null;
}

/** What a policy would have done with past requests. */
export interface Trial {
  requests: number;
  actions: Record<string, number>;
  reasons: Record<string, number>;
  approved_held_back: number;
  saved: Money[];
}

/** A policy to try out, and from when on; left out: on the last day. */
export interface TrialRequest {
  policy?: VerifyPolicy;
  since?: string | null;
}

/** Users, in the order of their making. */
export interface UserPage {
  data: UserView[];
  next_cursor: string | null;
}

/** A user as owners see them. `roles`: by environment. */
export interface UserView {
  id: string;
  email: string;
  name: string;
  roles: Record<string, string[]>;
  has_password: boolean;
  has_openid: boolean;
  has_second_factor: boolean;
  is_disabled: boolean;
  last_login_at: string | null;
  created_at: string;
}

/** One variable, as it is declared. */
export interface Variable {
  example: string;
  type?: "code" | "date" | "money" | "number" | "text" | "url" | (string & {});
  max_length?: number | null;
  alphabet?: "any" | "gsm7" | (string & {});
  description?: string;
}

/** One of several texts that are tried. */
export interface Variant {
  name: string;
  text: string;
  /** Its weight among the variants. */
  share?: number;
}

/** What a check of the chain found. */
export interface Verification {
  intact: boolean;
  entries: number;
  first: number;
  head: Head;
  faults: Fault[];
  more_faults: number;
}

/** Whom to verify, and how. */
export interface VerificationRequest {
  /** The phone number, as in +447400123456. */
  to: string;
  /** sms, voice, whatsapp or email. */
  channel?: string | null;
  /** Several ways, tried one after the other. */
  plan?: AskingStep[] | null;
  /** Where steps by email go. */
  email?: string | null;
  /** What it is for, in your words: login, payment. */
  purpose?: string | null;
  /** The language of the text: de, pt-BR; left out: en. */
  locale?: string | null;
  code_length?: number | null;
  alphabet?: "alphanumeric" | "numeric" | (string & {}) | null;
  lifetime_s?: number | null;
  /** Your own code, instead of one that is made. */
  code?: string | null;
  /** Who the text comes from; left out: the default sender. */
  sender?: string | null;
  /** The site that may fill the code in: example.com. */
  origin?: string | null;
  /** 11 characters, for Android's SMS Retriever. */
  app_hash?: string | null;
  /** The address that the person came from; for the fraud guard. */
  ip?: string | null;
  /** What tells their device from others; for the guard. */
  device?: string | null;
  /** They have just solved a riddle of yours: the guard asked for one. */
  challenge_passed?: boolean;
}

/** A verification as the public API shows it. */
export interface VerificationView {
  id: string;
  status: string;
  to: string;
  country: string;
  channel: string;
  purpose: string | null;
  locale: string;
  sends: number;
  sends_left: number;
  checks_left: number;
  created_at: string;
  expires_at: string;
  may_resend_at: string | null;
  ended_at: string | null;
  message_id: string | null;
  guard: GuardView;
  price: string | null;
  currency: string | null;
}

/** A one-time code that was asked for. */
export interface Verified {
  id: string;
  status: string;
  purpose: string | null;
  at: string;
  ended_at: string | null;
}

/** The whole policy. */
export interface VerifyPolicy {
  mode?: "enforce" | "shadow" | (string & {});
  countries?: string[];
  allow?: string[];
  deny?: string[];
  max_price?: string | null;
  limits?: Limits;
  unverified_floor?: number;
  unverified_share?: number;
  brand?: string | null;
  code_length?: number;
  alphabet?: "alphanumeric" | "numeric" | (string & {});
  lifetime_s?: number;
  max_checks?: number;
  max_sends?: number;
  pauses_s?: number[];
  resend?: "new" | "same" | (string & {});
  whatsapp_template?: string | null;
}

/** Done. */
export interface Verify_guardRemoved {
  id: string;
}

/** Which version is meant; left out: the newest. */
export interface VersionRequest {
  version?: number | null;
}

/** One version: its content never changes. */
export interface VersionView {
  version: number;
  state: string;
  written: TemplatesStep;
  submitted: TemplatesStep | null;
  approved: TemplatesStep | null;
  retired: TemplatesStep | null;
  acknowledged: string | null;
  spec: Spec;
}

/** One connector to one country, for one kind. Parts are between 0 and 1; null where nothing is known. */
export interface WayView {
  connector: string;
  country: string;
  kind: string;
  score: number | null;
  submitted: number;
  faults: number;
  fault_part: number | null;
  awaited: number;
  delivered: number;
  delivered_part: number | null;
  mean_delay_ms: number | null;
  instant_part: number | null;
  convertible: number;
  converted: number;
  converted_part: number | null;
  plausibility: number | null;
}

/** One thing that can be exported, as it is listed. */
export interface What {
  name: string;
  says: string;
  columns: string[];
  filters: string[];
}

/** Try the variants on a part of the audience, then give the rest the one that did best. */
export interface Winner {
  /** How long after the last trial: seconds, or as in 4h. */
  after: number | string;
  /** What counts. */
  by?: "clicks" | "replies" | (string & {});
  /** On how many of the audience. */
  tried_percent?: number;
}

/** A workspace as the public API shows it. */
export interface Workspace {
  name: string;
  created_at: string;
}

/** The workspaces of this gateway. */
export interface WorkspaceList {
  data: Workspace[];
}

/** All that a gateway can be asked, a method for each operation. */
export class Api extends Client {
  /** Send a message, or begin a plan. Needs the scope `messages:send`. */
  postMessages(body: MessageRequest, options: Options = {}): Promise<Accepted | RunView> {
    return this.ask("POST", `/v1/messages`, { body, isIdempotent: true, ...options });
  }

  /** List messages. Needs the scope `messages:read`. */
  getMessages(query: { to?: string | null; channel?: string | null; status?: string | null; kind?: string | null; country?: string | null; network?: string | null; sender?: string | null; tag?: string | null; batch_id?: string | null; correlation_id?: string | null; created_after?: string | null; created_before?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<MessagePage> {
    return this.ask("GET", `/v1/messages`, { query, ...options });
  }

  /** Send up to 10,000 messages. Needs the scope `messages:send`. */
  postMessagesBatch(body: BatchBody, options: Options = {}): Promise<BatchOutcome> {
    return this.ask("POST", `/v1/messages/batch`, { body, isIdempotent: true, ...options });
  }

  /** Look up states. Needs the scope `messages:read`. */
  postMessagesStates(body: StatesRequest, options: Options = {}): Promise<States> {
    return this.ask("POST", `/v1/messages/states`, { body, ...options });
  }

  /** Show a message. Needs the scope `messages:read`. */
  getMessagesId(id: string, options: Options = {}): Promise<MessageDetail> {
    return this.ask("GET", `/v1/messages/${encodeURIComponent(id)}`, { ...options });
  }

  /** Change it while it waits. Needs the scope `messages:send`. */
  patchMessagesId(id: string, body: ReplacingReplacement, options: Options = {}): Promise<MessageView> {
    return this.ask("PATCH", `/v1/messages/${encodeURIComponent(id)}`, { body, ...options });
  }

  /** Its timeline. Needs the scope `messages:read`. */
  getMessagesIdEvents(id: string, options: Options = {}): Promise<Timeline> {
    return this.ask("GET", `/v1/messages/${encodeURIComponent(id)}/events`, { ...options });
  }

  /** Show a batch. Needs the scope `messages:read`. */
  getBatchesId(id: string, options: Options = {}): Promise<BatchView> {
    return this.ask("GET", `/v1/batches/${encodeURIComponent(id)}`, { ...options });
  }

  /** Read all events in order. Needs the scope `messages:read`. */
  getEvents(query: { cursor?: string; limit?: number } = {}, options: Options = {}): Promise<EventPage> {
    return this.ask("GET", `/v1/events`, { query, ...options });
  }

  /** The short links of a message and their clicks. Needs the scope `messages:read`. */
  getMessagesIdLinks(id: string, options: Options = {}): Promise<LinkList> {
    return this.ask("GET", `/v1/messages/${encodeURIComponent(id)}/links`, { ...options });
  }

  /** Take it back. Needs the scope `messages:send`. */
  postMessagesIdCancel(id: string, options: Options = {}): Promise<MessageView> {
    return this.ask("POST", `/v1/messages/${encodeURIComponent(id)}/cancel`, { ...options });
  }

  /** Take back a batch. Needs the scope `messages:send`. */
  postBatchesIdCancel(id: string, options: Options = {}): Promise<Canceled> {
    return this.ask("POST", `/v1/batches/${encodeURIComponent(id)}/cancel`, { ...options });
  }

  /** Preview a text's parts. */
  postSegments(body: SegmentsRequest, options: Options = {}): Promise<Preview> {
    return this.ask("POST", `/v1/segments`, { body, ...options });
  }

  /** What is known of a number. Needs the scope `messages:send` or `messages:read`. */
  getLookupNumber(number: string, query: { provider?: string | null } = {}, options: Options = {}): Promise<LookupView> {
    return this.ask("GET", `/v1/lookup/${encodeURIComponent(number)}`, { query, ...options });
  }

  /** List the templates. Needs the scope `messages:read` or `templates:manage`. */
  getTemplates(options: Options = {}): Promise<SummaryList> {
    return this.ask("GET", `/v1/templates`, { ...options });
  }

  /** Read templates in, all or none. Needs the scope `templates:manage`. */
  postTemplates(body: ImportRequest, options: Options = {}): Promise<TemplatesChanges> {
    return this.ask("POST", `/v1/templates`, { body, ...options });
  }

  /** The templates as a document. Needs the scope `messages:read` or `templates:manage`. */
  getExportsTemplates(options: Options = {}): Promise<Document> {
    return this.ask("GET", `/v1/exports/templates`, { ...options });
  }

  /** Show a template with its versions. Needs the scope `messages:read` or `templates:manage`. */
  getTemplatesName(name: string, options: Options = {}): Promise<TemplateView> {
    return this.ask("GET", `/v1/templates/${encodeURIComponent(name)}`, { ...options });
  }

  /** Write a template. Needs the scope `templates:manage`. */
  putTemplatesName(name: string, body: Spec, options: Options = {}): Promise<TemplateView> {
    return this.ask("PUT", `/v1/templates/${encodeURIComponent(name)}`, { body, ...options });
  }

  /** Remove a template; its versions are retired. Needs the scope `templates:manage`. */
  deleteTemplatesName(name: string, options: Options = {}): Promise<TemplatesChanges> {
    return this.ask("DELETE", `/v1/templates/${encodeURIComponent(name)}`, { ...options });
  }

  /** Preview a template's texts. Needs the scope `messages:read` or `templates:manage`. */
  postTemplatesNamePreview(name: string, body: PreviewRequest, options: Options = {}): Promise<PreviewList> {
    return this.ask("POST", `/v1/templates/${encodeURIComponent(name)}/preview`, { body, ...options });
  }

  /** Hand a draft in for review. Needs the scope `templates:manage`. */
  postTemplatesNameSubmit(name: string, body: VersionRequest, options: Options = {}): Promise<VersionView> {
    return this.ask("POST", `/v1/templates/${encodeURIComponent(name)}/submit`, { body, ...options });
  }

  /** Approve a version for live messages. Needs the scope `templates:manage`. */
  postTemplatesNameApprove(name: string, body: ApproveRequest, options: Options = {}): Promise<VersionView> {
    return this.ask("POST", `/v1/templates/${encodeURIComponent(name)}/approve`, { body, ...options });
  }

  /** Retire a version. Needs the scope `templates:manage`. */
  postTemplatesNameRetire(name: string, body: VersionRequest, options: Options = {}): Promise<VersionView> {
    return this.ask("POST", `/v1/templates/${encodeURIComponent(name)}/retire`, { body, ...options });
  }

  /** List types of sample events. Needs the scope `webhooks:read`. */
  getEventsSamples(options: Options = {}): Promise<SampleTypes> {
    return this.ask("GET", `/v1/events/samples`, { ...options });
  }

  /** Tell a sample event. Needs the scope `webhooks:manage`. */
  postEventsSamples(body: SampleRequest, options: Options = {}): Promise<Sample> {
    return this.ask("POST", `/v1/events/samples`, { body, ...options });
  }

  /** List endpoints. Needs the scope `webhooks:read`. */
  getEndpoints(options: Options = {}): Promise<EndpointList> {
    return this.ask("GET", `/v1/endpoints`, { ...options });
  }

  /** Declare. Needs the scope `webhooks:manage`. */
  postEndpoints(body: EndpointRequest, options: Options = {}): Promise<EndpointView> {
    return this.ask("POST", `/v1/endpoints`, { body, ...options });
  }

  /** Show an endpoint. Needs the scope `webhooks:read`. */
  getEndpointsName(name: string, options: Options = {}): Promise<EndpointView> {
    return this.ask("GET", `/v1/endpoints/${encodeURIComponent(name)}`, { ...options });
  }

  /** Remove an endpoint. Needs the scope `webhooks:manage`. */
  deleteEndpointsName(name: string, options: Options = {}): Promise<Done> {
    return this.ask("DELETE", `/v1/endpoints/${encodeURIComponent(name)}`, { ...options });
  }

  /** Let a disabled one hear again. Needs the scope `webhooks:manage`. */
  postEndpointsNameEnable(name: string, options: Options = {}): Promise<EndpointView> {
    return this.ask("POST", `/v1/endpoints/${encodeURIComponent(name)}/enable`, { ...options });
  }

  /** A new secret beside the old one. Needs the scope `webhooks:manage`. */
  postEndpointsNameRotate(name: string, options: Options = {}): Promise<EndpointView> {
    return this.ask("POST", `/v1/endpoints/${encodeURIComponent(name)}/rotate`, { ...options });
  }

  /** End the old secret. Needs the scope `webhooks:manage`. */
  postEndpointsNameRetire(name: string, options: Options = {}): Promise<EndpointView> {
    return this.ask("POST", `/v1/endpoints/${encodeURIComponent(name)}/retire`, { ...options });
  }

  /** Send a test event. Needs the scope `webhooks:manage`. */
  postEndpointsNameTest(name: string, options: Options = {}): Promise<Done> {
    return this.ask("POST", `/v1/endpoints/${encodeURIComponent(name)}/test`, { ...options });
  }

  /** Tell again. Needs the scope `webhooks:manage`. */
  postEndpointsNameReplay(name: string, body: ReplayRequest, options: Options = {}): Promise<Done> {
    return this.ask("POST", `/v1/endpoints/${encodeURIComponent(name)}/replay`, { body, ...options });
  }

  /** Delivery log. Needs the scope `webhooks:read`. */
  getEndpointsNameDeliveries(name: string, query: { status?: string | null; message_id?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<DeliveryPage> {
    return this.ask("GET", `/v1/endpoints/${encodeURIComponent(name)}/deliveries`, { query, ...options });
  }

  /** All deliveries. Needs the scope `webhooks:read`. */
  getDeliveries(query: { status?: string | null; message_id?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<DeliveryPage> {
    return this.ask("GET", `/v1/deliveries`, { query, ...options });
  }

  /** What was sent and answered. Needs the scope `webhooks:read`. */
  getDeliveriesId(id: string, options: Options = {}): Promise<DeliveryDetail> {
    return this.ask("GET", `/v1/deliveries/${encodeURIComponent(id)}`, { ...options });
  }

  /** Tell this one again. Needs the scope `webhooks:replay` or `webhooks:manage`. */
  postDeliveriesIdReplay(id: string, options: Options = {}): Promise<Done> {
    return this.ask("POST", `/v1/deliveries/${encodeURIComponent(id)}/replay`, { ...options });
  }

  /** What keys asked, and what they were answered. Needs the scope `webhooks:read` or `webhooks:manage`. */
  getRequests(query: { client?: string | null; status?: string | null; method?: string | null; path?: string | null; code?: string | null; request_id?: string | null; since?: string | null; until?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<RequestPage> {
    return this.ask("GET", `/v1/requests`, { query, ...options });
  }

  /** Record an opt-in or opt-out. Needs the scope `consent:manage`. */
  postConsents(body: ConsentRequest, options: Options = {}): Promise<Standing> {
    return this.ask("POST", `/v1/consents`, { body, ...options });
  }

  /** What holds for a person. Needs the scope `consent:manage`. */
  getConsents(query: { to: string }, options: Options = {}): Promise<Standing> {
    return this.ask("GET", `/v1/consents`, { query, ...options });
  }

  /** The proof of a person's consent. Needs the scope `consent:manage`. */
  getConsentsProof(query: { to: string; format?: "html" | "json" | (string & {}) }, options: Options = {}): Promise<ProofProof> {
    return this.ask("GET", `/v1/consents/proof`, { query, ...options });
  }

  /** What may be an opt-out. Needs the scope `consent:manage`. */
  getConsentsReviews(options: Options = {}): Promise<ReviewPage> {
    return this.ask("GET", `/v1/consents/reviews`, { ...options });
  }

  /** Read consents or opt-outs from CSV. Needs the scope `consent:manage`. */
  postConsentsImport(body: ConsentFile, query: { action?: "confirmed" | "dismissed" | "doubt" | "help" | "opt_in" | "opt_out" | (string & {}) | null; dry_run?: boolean; is_foreign?: boolean } = {}, options: Options = {}): Promise<FilesReport> {
    return this.ask("POST", `/v1/consents/import`, { body, query, ...options });
  }

  /** Who said no. Needs the scope `consent:manage`. */
  getSuppressions(query: { cursor?: string; limit?: number } = {}, options: Options = {}): Promise<SuppressedPage> {
    return this.ask("GET", `/v1/suppressions`, { query, ...options });
  }

  /** Who said no, as CSV. Needs the scope `consent:manage`. */
  getSuppressionsExport(options: Options = {}): Promise<string> {
    return this.ask("GET", `/v1/suppressions/export`, { isText: true, ...options });
  }

  /** Add a contact. Needs the scope `consent:manage`. */
  postContacts(body: ContactRequest, options: Options = {}): Promise<Contact> {
    return this.ask("POST", `/v1/contacts`, { body, ...options });
  }

  /** Find contacts. Needs the scope `consent:manage`. */
  getContacts(query: { external_id?: string | null; address?: string | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<ContactPage> {
    return this.ask("GET", `/v1/contacts`, { query, ...options });
  }

  /** Show a contact. Needs the scope `consent:manage`. */
  getContactsId(id: string, options: Options = {}): Promise<Contact> {
    return this.ask("GET", `/v1/contacts/${encodeURIComponent(id)}`, { ...options });
  }

  /** Change a contact. Needs the scope `consent:manage`. */
  patchContactsId(id: string, body: ContactRequest, options: Options = {}): Promise<Contact> {
    return this.ask("PATCH", `/v1/contacts/${encodeURIComponent(id)}`, { body, ...options });
  }

  /** Compare a provider's opt-out list with ours. Needs the scope `consent:manage`. */
  getConnectorsNameOptOuts(name: string, options: Options = {}): Promise<Drift> {
    return this.ask("GET", `/v1/connectors/${encodeURIComponent(name)}/opt-outs`, { ...options });
  }

  /** List messages from phones. Needs the scope `messages:read`. */
  getInbound(query: { from?: string | null; to?: string | null; received_after?: string | null; received_before?: string | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<InboundPage> {
    return this.ask("GET", `/v1/inbound`, { query, ...options });
  }

  /** Show a message from a phone. Needs the scope `messages:read`. */
  getInboundId(id: string, options: Options = {}): Promise<InboundView> {
    return this.ask("GET", `/v1/inbound/${encodeURIComponent(id)}`, { ...options });
  }

  /** List conversations. Needs the scope `messages:read`. */
  getConversations(query: { state?: "closed" | "open" | "waiting" | (string & {}) | null; team?: string | null; agent?: string | null; number?: string | null; sender?: string | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<ConversationPage> {
    return this.ask("GET", `/v1/conversations`, { query, ...options });
  }

  /** Show a conversation. Needs the scope `messages:read`. */
  getConversationsId(id: string, query: { cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<ConversationDetail> {
    return this.ask("GET", `/v1/conversations/${encodeURIComponent(id)}`, { query, ...options });
  }

  /** Answer in a conversation. Needs the scope `conversations:manage`. */
  postConversationsIdReply(id: string, body: ReplyRequest, options: Options = {}): Promise<Replied> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/reply`, { body, isIdempotent: true, ...options });
  }

  /** Give a conversation to a team or an agent. Needs the scope `conversations:manage`. */
  postConversationsIdAssign(id: string, body: AssignRequest, options: Options = {}): Promise<ConversationView> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/assign`, { body, ...options });
  }

  /** Note something. Needs the scope `conversations:manage`. */
  postConversationsIdNotes(id: string, body: NoteRequest, options: Options = {}): Promise<ConversationView> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/notes`, { body, ...options });
  }

  /** Tag a conversation. Needs the scope `conversations:manage`. */
  postConversationsIdTags(id: string, body: TagsRequest, options: Options = {}): Promise<ConversationView> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/tags`, { body, ...options });
  }

  /** Close a conversation. Needs the scope `conversations:manage`. */
  postConversationsIdClose(id: string, options: Options = {}): Promise<ConversationView> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/close`, { ...options });
  }

  /** Open a conversation. Needs the scope `conversations:manage`. */
  postConversationsIdOpen(id: string, options: Options = {}): Promise<ConversationView> {
    return this.ask("POST", `/v1/conversations/${encodeURIComponent(id)}/open`, { ...options });
  }

  /** List audiences. Needs the scope `campaigns:manage`. */
  getAudiences(query: { cursor?: string; limit?: number } = {}, options: Options = {}): Promise<AudiencePage> {
    return this.ask("GET", `/v1/audiences`, { query, ...options });
  }

  /** Take an audience from the contacts. Needs the scope `campaigns:manage`. */
  postAudiences(body: SegmentRequest, options: Options = {}): Promise<AudienceView> {
    return this.ask("POST", `/v1/audiences`, { body, ...options });
  }

  /** Upload an audience as CSV, of any length. Needs the scope `campaigns:manage`. */
  postAudiencesUpload(body: string | Uint8Array, query: { name: string; variables?: string | null; default_country?: string | null }, options: Options = {}): Promise<AudienceView> {
    return this.ask("POST", `/v1/audiences/upload`, { body, mediaType: "text/csv", query, ...options });
  }

  /** Show an audience. Needs the scope `campaigns:manage`. */
  getAudiencesName(name: string, options: Options = {}): Promise<AudienceView> {
    return this.ask("GET", `/v1/audiences/${encodeURIComponent(name)}`, { ...options });
  }

  /** Delete an audience. Needs the scope `campaigns:manage`. */
  deleteAudiencesName(name: string, options: Options = {}): Promise<AudienceView> {
    return this.ask("DELETE", `/v1/audiences/${encodeURIComponent(name)}`, { ...options });
  }

  /** Every line that could not be used, and why. Needs the scope `campaigns:manage`. */
  getAudiencesNameFaults(name: string, query: { cursor?: number; limit?: number } = {}, options: Options = {}): Promise<FaultPage> {
    return this.ask("GET", `/v1/audiences/${encodeURIComponent(name)}/faults`, { query, ...options });
  }

  /** List. Needs the scope `campaigns:manage` or `campaigns:approve`. */
  getCampaigns(query: { cursor?: number; limit?: number } = {}, options: Options = {}): Promise<CampaignPage> {
    return this.ask("GET", `/v1/campaigns`, { query, ...options });
  }

  /** Make a campaign; all its rows are checked. Needs the scope `campaigns:manage`. */
  postCampaigns(body: CampaignSpec, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns`, { body, ...options });
  }

  /** Show a campaign. Needs the scope `campaigns:manage` or `campaigns:approve`. */
  getCampaignsName(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("GET", `/v1/campaigns/${encodeURIComponent(name)}`, { ...options });
  }

  /** Forget a campaign. Needs the scope `campaigns:manage`. */
  deleteCampaignsName(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("DELETE", `/v1/campaigns/${encodeURIComponent(name)}`, { ...options });
  }

  /** How it stands. Needs the scope `campaigns:manage` or `campaigns:approve`. */
  getCampaignsNameProgress(name: string, options: Options = {}): Promise<Progress> {
    return this.ask("GET", `/v1/campaigns/${encodeURIComponent(name)}/progress`, { ...options });
  }

  /** Send every variant to some numbers. Needs the scope `campaigns:manage`. */
  postCampaignsNameTest(name: string, body: TestRequest, options: Options = {}): Promise<TestAnswer> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/test`, { body, ...options });
  }

  /** Approve it. Needs the scope `campaigns:approve`. */
  postCampaignsNameApprove(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/approve`, { ...options });
  }

  /** Start it, now or later. Needs the scope `campaigns:manage`. */
  postCampaignsNameStart(name: string, body: StartRequest, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/start`, { body, ...options });
  }

  /** Hold all of it. Needs the scope `campaigns:manage`. */
  postCampaignsNamePause(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/pause`, { ...options });
  }

  /** Let it go on. Needs the scope `campaigns:manage`. */
  postCampaignsNameResume(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/resume`, { ...options });
  }

  /** Stop it for good. Needs the scope `campaigns:manage`. */
  postCampaignsNameStop(name: string, options: Options = {}): Promise<CampaignView> {
    return this.ask("POST", `/v1/campaigns/${encodeURIComponent(name)}/stop`, { ...options });
  }

  /** Numbers left alone. Needs the scope `routing:manage`. */
  getCooldowns(query: { cursor?: string; limit?: number } = {}, options: Options = {}): Promise<CooldownPage> {
    return this.ask("GET", `/v1/cooldowns`, { query, ...options });
  }

  /** Text a number again. Needs the scope `routing:manage`. */
  deleteCooldownsNumber(number: string, options: Options = {}): Promise<Lifted> {
    return this.ask("DELETE", `/v1/cooldowns/${encodeURIComponent(number)}`, { ...options });
  }

  /** Erase a person; what is left is a keyed hash that says no if the person did. Needs the scope `consent:manage`. */
  postPeopleErase(body: ErasureRequest, options: Options = {}): Promise<Erased> {
    return this.ask("POST", `/v1/people/erase`, { body, ...options });
  }

  /** The journal of erasures, to be done again after a backup was restored. Needs the scope `consent:manage`. */
  getPeopleErasures(options: Options = {}): Promise<Journal> {
    return this.ask("GET", `/v1/people/erasures`, { ...options });
  }

  /** All that is known of a person. Needs the scope `exports:read`. */
  getPeopleNumberExport(number: string, options: Options = {}): Promise<Known> {
    return this.ask("GET", `/v1/people/${encodeURIComponent(number)}/export`, { ...options });
  }

  /** Declare objects. Needs the scope `routing:manage`. */
  postApply(body: ApplyRequest, options: Options = {}): Promise<DeclaringChanges> {
    return this.ask("POST", `/v1/apply`, { body, ...options });
  }

  /** List what is declared. Needs the scope `routing:manage`. */
  getDeclared(options: Options = {}): Promise<DeclaredList> {
    return this.ask("GET", `/v1/declared`, { ...options });
  }

  /** Remove an object. Needs the scope `routing:manage`. */
  deleteDeclaredKindName(kind: string, name: string, options: Options = {}): Promise<DeclaringChanges> {
    return this.ask("DELETE", `/v1/declared/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`, { ...options });
  }

  /** List prices. Needs the scope `analytics:read` or `routing:manage`. */
  getPrices(options: Options = {}): Promise<PriceList> {
    return this.ask("GET", `/v1/prices`, { ...options });
  }

  /** Replace the prices of the connectors that a table names. Needs the scope `routing:manage`. */
  putPrices(body: PriceFile, options: Options = {}): Promise<Imported> {
    return this.ask("PUT", `/v1/prices`, { body, ...options });
  }

  /** Usage and forecast of budgets. Needs the scope `analytics:read`. */
  getBudgets(query: { budget?: string; limit?: number } = {}, options: Options = {}): Promise<BudgetList> {
    return this.ask("GET", `/v1/budgets`, { query, ...options });
  }

  /** What the month will cost. Needs the scope `analytics:read`. */
  getCostsMonth(options: Options = {}): Promise<Month> {
    return this.ask("GET", `/v1/costs/month`, { ...options });
  }

  /** Compare carriers on the same traffic. Needs the scope `analytics:read`. */
  getCostsComparison(query: { from?: string | null; to?: string | null; country?: string | null; kind?: string | null } = {}, options: Options = {}): Promise<Comparisons> {
    return this.ask("GET", `/v1/costs/comparison`, { query, ...options });
  }

  /** What was spent. Needs the scope `analytics:read`. */
  getCosts(query: { from?: string | null; to?: string | null; by?: string; workspace?: string | null } = {}, options: Options = {}): Promise<Costs> {
    return this.ask("GET", `/v1/costs`, { query, ...options });
  }

  /** Measures over time. Needs the scope `analytics:read`. */
  getInsights(query: { measures: string; by?: string | null; from?: string | null; to?: string | null; step?: string | null; compare?: "previous" | (string & {}) | null; groups?: number; country?: string | null; network?: string | null; kind?: string | null; connector?: string | null; sender?: string | null; template?: string | null; campaign?: string | null; client?: string | null; status?: string | null; code?: string | null; currency?: string | null; detail?: string | null }, options: Options = {}): Promise<Insights> {
    return this.ask("GET", `/v1/insights`, { query, ...options });
  }

  /** What is measured. Needs the scope `analytics:read`. */
  getInsightsMeasures(options: Options = {}): Promise<Measures> {
    return this.ask("GET", `/v1/insights/measures`, { ...options });
  }

  /** Report that a goal was reached. Needs the scope `messages:send`. */
  postConversions(body: GoalRequest, options: Options = {}): Promise<GoalView> {
    return this.ask("POST", `/v1/conversions`, { body, ...options });
  }

  /** List goals that were reached. Needs the scope `analytics:read`. */
  getConversions(query: { goal?: string | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<GoalPage> {
    return this.ask("GET", `/v1/conversions`, { query, ...options });
  }

  /** List alarms. Needs the scope `analytics:read` or `pauses:manage`. */
  getAlarms(query: { status?: "firing" | "pending" | "resolved" | (string & {}) | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<AlarmPage> {
    return this.ask("GET", `/v1/alarms`, { query, ...options });
  }

  /** Show an alarm with its history. Needs the scope `analytics:read` or `pauses:manage`. */
  getAlarmsId(id: string, options: Options = {}): Promise<AlarmDetail> {
    return this.ask("GET", `/v1/alarms/${encodeURIComponent(id)}`, { ...options });
  }

  /** Begin a post-mortem of an alarm. Needs the scope `pauses:manage`. */
  getAlarmsIdReport(id: string, options: Options = {}): Promise<AlarmReport> {
    return this.ask("GET", `/v1/alarms/${encodeURIComponent(id)}/report`, { ...options });
  }

  /** Say that somebody looks after an alarm. Needs the scope `pauses:manage`. */
  postAlarmsIdAcknowledge(id: string, options: Options = {}): Promise<AlarmView> {
    return this.ask("POST", `/v1/alarms/${encodeURIComponent(id)}/acknowledge`, { ...options });
  }

  /** List the rules of alarms. Needs the scope `analytics:read` or `pauses:manage`. */
  getAlarmRules(options: Options = {}): Promise<AlarmRules> {
    return this.ask("GET", `/v1/alarm-rules`, { ...options });
  }

  /** List what is silent. Needs the scope `analytics:read` or `pauses:manage`. */
  getSilences(options: Options = {}): Promise<Silences> {
    return this.ask("GET", `/v1/silences`, { ...options });
  }

  /** Keep alarms from being told for a while. Needs the scope `pauses:manage`. */
  postSilences(body: SilenceRequest, options: Options = {}): Promise<Silence> {
    return this.ask("POST", `/v1/silences`, { body, ...options });
  }

  /** End a silence. Needs the scope `pauses:manage`. */
  deleteSilencesId(id: string, options: Options = {}): Promise<Silences> {
    return this.ask("DELETE", `/v1/silences/${encodeURIComponent(id)}`, { ...options });
  }

  /** List outages. Needs the scope `analytics:read` or `routing:manage`. */
  getOutages(query: { cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<OutagePage> {
    return this.ask("GET", `/v1/outages`, { query, ...options });
  }

  /** Try what the plan for outages does. Needs the scope `routing:manage`. */
  postDrills(body: DrillRequest, options: Options = {}): Promise<DrillView> {
    return this.ask("POST", `/v1/drills`, { body, ...options });
  }

  /** List drills. Needs the scope `analytics:read` or `routing:manage`. */
  getDrills(query: { cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<DrillPage> {
    return this.ask("GET", `/v1/drills`, { query, ...options });
  }

  /** Show a drill with its report. Needs the scope `analytics:read` or `routing:manage`. */
  getDrillsId(id: string, options: Options = {}): Promise<DrillView> {
    return this.ask("GET", `/v1/drills/${encodeURIComponent(id)}`, { ...options });
  }

  /** Tell what followed of it. Needs the scope `messages:send`. */
  postMessagesIdConversion(id: string, body: ConversionRequest, options: Options = {}): Promise<Conversion> {
    return this.ask("POST", `/v1/messages/${encodeURIComponent(id)}/conversion`, { body, ...options });
  }

  /** How well connectors do. Needs the scope `analytics:read`. */
  getQuality(options: Options = {}): Promise<Standings> {
    return this.ask("GET", `/v1/quality`, { ...options });
  }

  /** A phone texts. Needs the scope `messages:send`. */
  postSandboxInbound(body: PhoneRequest, options: Options = {}): Promise<Taken> {
    return this.ask("POST", `/v1/sandbox/inbound`, { body, ...options });
  }

  /** The outage switch. Needs the scope `routing:manage`. */
  postSandboxOutage(body: OutageRequest, options: Options = {}): Promise<Taken> {
    return this.ask("POST", `/v1/sandbox/outage`, { body, ...options });
  }

  /** Who am I?. */
  getMe(options: Options = {}): Promise<Me> {
    return this.ask("GET", `/v1/me`, { ...options });
  }

  /** List keys. Needs the scope `admin`. */
  getKeys(query: { cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<KeyList> {
    return this.ask("GET", `/v1/keys`, { query, ...options });
  }

  /** Make a key. Needs the scope `admin`. */
  postKeys(body: NewKey, options: Options = {}): Promise<CreatedKey> {
    return this.ask("POST", `/v1/keys`, { body, ...options });
  }

  /** Show a key. Needs the scope `admin`. */
  getKeysId(id: string, options: Options = {}): Promise<KeyView> {
    return this.ask("GET", `/v1/keys/${encodeURIComponent(id)}`, { ...options });
  }

  /** Replace a key. Needs the scope `admin`. */
  postKeysIdRotate(id: string, body: Rotation, options: Options = {}): Promise<CreatedKey> {
    return this.ask("POST", `/v1/keys/${encodeURIComponent(id)}/rotate`, { body, ...options });
  }

  /** End a key at once. Needs the scope `admin`. */
  postKeysIdRevoke(id: string, options: Options = {}): Promise<KeyView> {
    return this.ask("POST", `/v1/keys/${encodeURIComponent(id)}/revoke`, { ...options });
  }

  /** List pauses. Needs the scope `pauses:manage`. */
  getPauses(options: Options = {}): Promise<PauseList> {
    return this.ask("GET", `/v1/pauses`, { ...options });
  }

  /** Stop handing over. Needs the scope `pauses:manage`. */
  putPauses(body: PauseRequest, options: Options = {}): Promise<Pause> {
    return this.ask("PUT", `/v1/pauses`, { body, ...options });
  }

  /** Go on. Needs the scope `pauses:manage`. */
  deletePauses(query: { scope: string; value?: string }, options: Options = {}): Promise<PauseList> {
    return this.ask("DELETE", `/v1/pauses`, { query, ...options });
  }

  /** Read the audit log. Needs the scope `audit:read`. */
  getAudit(query: { actor?: string | null; action?: string | null; object?: string | null; since?: string | null; until?: string | null; cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<AuditPage> {
    return this.ask("GET", `/v1/audit`, { query, ...options });
  }

  /** Export the audit log as JSON lines or CSV. Needs the scope `exports:read`. */
  getAuditExport(query: { actor?: string | null; action?: string | null; object?: string | null; since?: string | null; until?: string | null; format?: string } = {}, options: Options = {}): Promise<string> {
    return this.ask("GET", `/v1/audit/export`, { query, isText: true, ...options });
  }

  /** Check that nobody has meddled with the audit log. Needs the scope `audit:read`. */
  getAuditVerify(query: { anchor?: string | null } = {}, options: Options = {}): Promise<Verification> {
    return this.ask("GET", `/v1/audit/verify`, { query, ...options });
  }

  /** List workspaces. Needs the scope `admin`. */
  getWorkspaces(options: Options = {}): Promise<WorkspaceList> {
    return this.ask("GET", `/v1/workspaces`, { ...options });
  }

  /** Add a workspace, with its first key. Needs the scope `admin`. */
  postWorkspaces(body: NewWorkspace, options: Options = {}): Promise<CreatedWorkspace> {
    return this.ask("POST", `/v1/workspaces`, { body, ...options });
  }

  /** List environments. Needs the scope `admin`. */
  getEnvironments(options: Options = {}): Promise<EnvironmentList> {
    return this.ask("GET", `/v1/environments`, { ...options });
  }

  /** Add an environment. Needs the scope `admin`. */
  postEnvironments(body: NewEnvironment, options: Options = {}): Promise<Environment> {
    return this.ask("POST", `/v1/environments`, { body, ...options });
  }

  /** Change its allowlist. Needs the scope `admin`. */
  patchEnvironmentsName(name: string, body: Allowlist, options: Options = {}): Promise<Environment> {
    return this.ask("PATCH", `/v1/environments/${encodeURIComponent(name)}`, { body, ...options });
  }

  /** List users. Needs the scope `admin`. */
  getUsers(query: { cursor?: string | null; limit?: number } = {}, options: Options = {}): Promise<UserPage> {
    return this.ask("GET", `/v1/users`, { query, ...options });
  }

  /** Invite a user. Needs the scope `admin`. */
  postUsers(body: NewUser, options: Options = {}): Promise<Link> {
    return this.ask("POST", `/v1/users`, { body, ...options });
  }

  /** Show a user. Needs the scope `admin`. */
  getUsersId(id: string, options: Options = {}): Promise<UserView> {
    return this.ask("GET", `/v1/users/${encodeURIComponent(id)}`, { ...options });
  }

  /** Change roles. Needs the scope `admin`. */
  putUsersIdRoles(id: string, body: RolesRequest, options: Options = {}): Promise<UserView> {
    return this.ask("PUT", `/v1/users/${encodeURIComponent(id)}/roles`, { body, ...options });
  }

  /** Keep a user out, at once. Needs the scope `admin`. */
  postUsersIdDisable(id: string, options: Options = {}): Promise<UserView> {
    return this.ask("POST", `/v1/users/${encodeURIComponent(id)}/disable`, { ...options });
  }

  /** Let a user in again. Needs the scope `admin`. */
  postUsersIdEnable(id: string, options: Options = {}): Promise<UserView> {
    return this.ask("POST", `/v1/users/${encodeURIComponent(id)}/enable`, { ...options });
  }

  /** A link to set a password. Needs the scope `admin`. */
  postUsersIdResetPassword(id: string, options: Options = {}): Promise<Link> {
    return this.ask("POST", `/v1/users/${encodeURIComponent(id)}/reset-password`, { ...options });
  }

  /** Take away a lost second factor. Needs the scope `admin`. */
  postUsersIdResetSecondFactor(id: string, options: Options = {}): Promise<UserView> {
    return this.ask("POST", `/v1/users/${encodeURIComponent(id)}/reset-second-factor`, { ...options });
  }

  /** Where is a user logged in?. Needs the scope `admin`. */
  getUsersIdSessions(id: string, options: Options = {}): Promise<SessionList> {
    return this.ask("GET", `/v1/users/${encodeURIComponent(id)}/sessions`, { ...options });
  }

  /** Log a user out everywhere. Needs the scope `admin`. */
  deleteUsersIdSessions(id: string, options: Options = {}): Promise<Confirmed> {
    return this.ask("DELETE", `/v1/users/${encodeURIComponent(id)}/sessions`, { ...options });
  }

  /** List connectors, and how they are. Needs the scope `routing:manage`. */
  getConnectors(options: Options = {}): Promise<ConnectorList> {
    return this.ask("GET", `/v1/connectors`, { ...options });
  }

  /** Export what a connector has recorded. Needs the scope `routing:manage`. */
  getConnectorsNameRecording(name: string, query: { format?: "jsonl" | "pcap" | "scenario" | (string & {}); texts?: boolean } = {}, options: Options = {}): Promise<string> {
    return this.ask("GET", `/v1/connectors/${encodeURIComponent(name)}/recording`, { query, isText: true, ...options });
  }

  /** What is left in a provider's account. Needs the scope `routing:manage`. */
  getConnectorsNameBalance(name: string, options: Options = {}): Promise<RecordingsBalance> {
    return this.ask("GET", `/v1/connectors/${encodeURIComponent(name)}/balance`, { ...options });
  }

  /** Send a one-time code. Needs the scope `verify`. */
  postVerifications(body: VerificationRequest, options: Options = {}): Promise<Started> {
    return this.ask("POST", `/v1/verifications`, { body, ...options });
  }

  /** List verifications. Needs the scope `verify`. */
  getVerifications(query: { to?: string | null; status?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<Page> {
    return this.ask("GET", `/v1/verifications`, { query, ...options });
  }

  /** Show a verification. Needs the scope `verify`. */
  getVerificationsId(id: string, options: Options = {}): Promise<VerificationView> {
    return this.ask("GET", `/v1/verifications/${encodeURIComponent(id)}`, { ...options });
  }

  /** Check a code. Needs the scope `verify`. */
  postVerificationsIdCheck(id: string, body: CheckRequest, options: Options = {}): Promise<Checked> {
    return this.ask("POST", `/v1/verifications/${encodeURIComponent(id)}/check`, { body, ...options });
  }

  /** Send the code again, another way. Needs the scope `verify`. */
  postVerificationsIdResend(id: string, body: ResendRequest, options: Options = {}): Promise<Started> {
    return this.ask("POST", `/v1/verifications/${encodeURIComponent(id)}/resend`, { body, ...options });
  }

  /** Take a verification back. Needs the scope `verify`. */
  postVerificationsIdCancel(id: string, options: Options = {}): Promise<VerificationView> {
    return this.ask("POST", `/v1/verifications/${encodeURIComponent(id)}/cancel`, { ...options });
  }

  /** How verifications convert. Needs the scope `verify` or `analytics:read`. */
  getVerifyStatistics(query: { since?: string | null } = {}, options: Options = {}): Promise<Statistics> {
    return this.ask("GET", `/v1/verify/statistics`, { query, ...options });
  }

  /** What the fraud guard kept back. Needs the scope `verify` or `analytics:read`. */
  getVerifyKeptBack(query: { limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<Page> {
    return this.ask("GET", `/v1/verify/kept-back`, { query, ...options });
  }

  /** Try a policy on past requests. Needs the scope `verify`. */
  postVerifyTrial(body: TrialRequest, options: Options = {}): Promise<Trial> {
    return this.ask("POST", `/v1/verify/trial`, { body, ...options });
  }

  /** Enrol an authenticator app. Needs the scope `verify`. */
  postAuthenticators(body: EnrollRequest, options: Options = {}): Promise<Enrolled> {
    return this.ask("POST", `/v1/authenticators`, { body, ...options });
  }

  /** Show an authenticator app. Needs the scope `verify`. */
  getAuthenticatorsId(id: string, options: Options = {}): Promise<Authenticator> {
    return this.ask("GET", `/v1/authenticators/${encodeURIComponent(id)}`, { ...options });
  }

  /** Remove an authenticator app. Needs the scope `verify`. */
  deleteAuthenticatorsId(id: string, options: Options = {}): Promise<Verify_guardRemoved> {
    return this.ask("DELETE", `/v1/authenticators/${encodeURIComponent(id)}`, { ...options });
  }

  /** Check an app's code. Needs the scope `verify`. */
  postAuthenticatorsIdCheck(id: string, body: CheckRequest, options: Options = {}): Promise<AppChecked> {
    return this.ask("POST", `/v1/authenticators/${encodeURIComponent(id)}/check`, { body, ...options });
  }

  /** List runs of plans. Needs the scope `messages:read`. */
  getPlansRuns(query: { plan?: string | null; status?: string | null; limit?: number; cursor?: string | null } = {}, options: Options = {}): Promise<RunPage> {
    return this.ask("GET", `/v1/plans/runs`, { query, ...options });
  }

  /** Show what became of a plan. Needs the scope `messages:read`. */
  getPlansRunsId(id: string, options: Options = {}): Promise<RunView> {
    return this.ask("GET", `/v1/plans/runs/${encodeURIComponent(id)}`, { ...options });
  }

  /** Begin no further step. Needs the scope `messages:send`. */
  postPlansRunsIdCancel(id: string, options: Options = {}): Promise<RunView> {
    return this.ask("POST", `/v1/plans/runs/${encodeURIComponent(id)}/cancel`, { ...options });
  }

  /** Compare channels by what came of plans. Needs the scope `messages:read`. */
  getPlansOutcomes(query: { plan?: string | null; since?: string | null } = {}, options: Options = {}): Promise<OutcomeList> {
    return this.ask("GET", `/v1/plans/outcomes`, { query, ...options });
  }

  /** Keep a browser's push subscription. Needs the scope `consent:manage`. */
  postPushSubscriptions(body: SubscriptionRequest, options: Options = {}): Promise<SubscriptionView> {
    return this.ask("POST", `/v1/push-subscriptions`, { body, ...options });
  }

  /** Show a push subscription. Needs the scope `consent:manage`. */
  getPushSubscriptionsId(id: string, options: Options = {}): Promise<SubscriptionView> {
    return this.ask("GET", `/v1/push-subscriptions/${encodeURIComponent(id)}`, { ...options });
  }

  /** Forget a push subscription. Needs the scope `consent:manage`. */
  deletePushSubscriptionsId(id: string, options: Options = {}): Promise<PushesRemoved> {
    return this.ask("DELETE", `/v1/push-subscriptions/${encodeURIComponent(id)}`, { ...options });
  }

  /** The key that browsers subscribe with. Needs the scope `consent:manage`. */
  getPushKey(options: Options = {}): Promise<PushKey> {
    return this.ask("GET", `/v1/push-key`, { ...options });
  }

  /** What can be exported, and what is. Needs the scope `exports:read`. */
  getExports(options: Options = {}): Promise<Exports> {
    return this.ask("GET", `/v1/exports`, { ...options });
  }

  /** Export rows: messages.csv, events.jsonl, consents.parquet. Needs the scope `exports:read`. */
  getExportsFile(file: string, query: { since?: string | null; until?: string | null; texts?: boolean; status?: string | null; kind?: string | null; country?: string | null; sender?: string | null; connector?: string | null; correlation_id?: string | null; template?: string | null; to?: string | null; from?: string | null; type?: string | null; action?: string | null; scope?: string | null; source?: string | null; endpoint?: string | null } = {}, options: Options = {}): Promise<string> {
    return this.ask("GET", `/v1/exports/${encodeURIComponent(file)}`, { query, isText: true, ...options });
  }

  /** How streams of events stand. Needs the scope `webhooks:read`. */
  getStreams(options: Options = {}): Promise<Streams> {
    return this.ask("GET", `/v1/streams`, { ...options });
  }

}
