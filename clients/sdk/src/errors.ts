/** What went wrong, in a sentence for people (`message`) and a stable word for programs (`code`). */
export class RostrumError extends Error {
  readonly code: string;
  /** HTTP status, where the error came from REST. */
  readonly status: number | undefined;
  /** Everything else that the server said about it, for example `by` with `screen_busy`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, extra: { status?: number; details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "RostrumError";
    this.code = code;
    this.status = extra.status;
    this.details = extra.details ?? {};
  }
}

/** Codes that the SDK itself gives, beside those of the server (docs/errors.md). */
export const clientErrors = {
  disconnected: "The connection to the server was lost.",
  timeout: "The server did not answer in time.",
  closed: "This room has been left.",
  not_joined: "The room has not been joined yet.",
  network: "The server could not be reached.",
  aborted: "The request was called off.",
  bad_answer: "The server gave an answer that cannot be understood.",
  already_joined: "This room has been joined already.",
  permission_denied: "The browser was not allowed to use the device.",
  device_not_found: "No such camera or microphone was found.",
  device_busy: "The camera or microphone is used by another program.",
  device_failed: "The camera or microphone could not be started.",
  unsupported: "This browser cannot take part in the media of a room.",
  screen_busy: "Somebody else is sharing their screen.",
  media_restarting: "The media of this room is being rebuilt.",
  transport_closed: "The media transport was closed.",
  not_published: "Nothing is being sent from this source.",
  unpublished: "Sending was stopped before it had begun.",
} as const;

export type ClientErrorCode = keyof typeof clientErrors;

/** An error that the SDK itself raises. */
export function clientError(code: ClientErrorCode, cause?: unknown): RostrumError {
  return new RostrumError(code, clientErrors[code], { cause });
}

/** Whatever was thrown, as a RostrumError. */
export function asRostrumError(thrown: unknown, code = "failed"): RostrumError {
  if (thrown instanceof RostrumError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new RostrumError(code, message, { cause: thrown });
}

const passing = new Set([
  "disconnected", "timeout", "media_restarting", "transport_closed", "rate_limited",
  "internal", "unavailable", "database_unavailable", "node_unreachable", "starting", "overloaded",
]);

/** Whether the same request may well succeed a little later. */
export function isPassing(error: RostrumError): boolean {
  return passing.has(error.code);
}

/** Turns `{error, code, …}` of an acknowledgement into an error; anything else is an answer. */
export function errorInAck(ack: unknown): RostrumError | null {
  if (typeof ack !== "object" || ack === null || !("error" in ack)) return null;
  const { error, code, ...details } = ack as { error: unknown; code?: unknown };
  return new RostrumError(typeof code === "string" ? code : "failed", String(error), { details });
}
