import { RostrumError, asRostrumError, clientError } from "./errors";

/** The way to a server's REST: keys, the envelope of answers and errors, pages. */

export interface ApiOptions {
  url: string;
  apiKey?: string | undefined;
  /** A user's JWT. */
  token?: string | undefined;
}

/** One page of a list; `next` is the cursor of the page after it, null on the last one. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface PageOptions {
  /** Most items a page: 50 unless told, 200 at most. */
  limit?: number;
  /** The `next` of the page before. */
  cursor?: string | null;
}

type Query = Record<string, string | number | boolean | null | undefined>;

export interface Asked {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: object;
  body?: object;
  signal?: AbortSignal | undefined;
}

export class Rest {
  token: string | undefined;
  readonly #url: string;
  readonly #apiKey: string | undefined;

  constructor(options: ApiOptions) {
    this.#url = options.url;
    this.#apiKey = options.apiKey;
    this.token = options.token;
  }

  /** The `data` of an answer, or the answer itself where it has none. */
  async call<T>(path: string, asked: Asked = {}): Promise<T> {
    return dataOf(await this.json(await this.fetch(path, asked))) as T;
  }

  async page<T>(path: string, query: object = {}): Promise<Page<T>> {
    const response = await this.fetch(path, { query });
    return { items: dataOf(await this.json(response)) as T[], next: response.headers.get("x-next-cursor") };
  }

  /** An answer without a body. */
  async done(path: string, asked: Asked): Promise<void> {
    await this.fetch(path, asked);
  }

  /** The answer as it came. Raises RostrumError for every status that is an error. */
  async fetch(path: string, { method = "GET", query = {}, body, signal }: Asked = {}): Promise<Response> {
    const headers = { ...this.headers(), ...(body ? { "content-type": "application/json" } : {}) };
    const rest = { ...(body ? { body: JSON.stringify(body) } : {}), ...(signal ? { signal } : {}) };
    return this.send(this.address(path, query as Query), { method, headers, ...rest });
  }

  async send(address: string, request: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(address, request);
    } catch (thrown) {
      throw request.signal?.aborted ? clientError("aborted", thrown) : clientError("network", asRostrumError(thrown));
    }
    if (!response.ok) throw refusal(response.status, await parse(response));
    return response;
  }

  async json(response: Response): Promise<Record<string, unknown>> {
    const answer = await parse(response);
    if (answer === null) throw clientError("bad_answer");
    return answer;
  }

  headers(): Record<string, string> {
    return {
      ...(this.#apiKey ? { "x-api-key": this.#apiKey } : {}),
      ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
    };
  }

  address(path: string, query: Query = {}): string {
    const address = new URL(path, this.#url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
    }
    return address.href;
  }
}

/** Puts values into a path, each as one part of it. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((whole, part, index) => whole + encodeURIComponent(values[index - 1] ?? "") + part);
}

/** The `data` of an answer, or the answer itself where it has none. */
export function dataOf(answer: Record<string, unknown>): unknown {
  return "data" in answer ? answer["data"] : answer;
}

export function refusal(status: number, answer: Record<string, unknown> | null): RostrumError {
  const { code, message, msg, ...details } = answer ?? {};
  const sentence = [message, msg].find((one) => typeof one === "string") ?? `The server answered ${status}.`;
  return new RostrumError(typeof code === "string" ? code : `http_${status}`, sentence, { status, details });
}

async function parse(response: Response): Promise<Record<string, unknown> | null> {
  try {
    return asObject(await response.text());
  } catch {
    return null;
  }
}

export function asObject(text: string): Record<string, unknown> | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
