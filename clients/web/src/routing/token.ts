/** What a token says about its bearer. Read for presentation alone: the server decides what it is worth. */
export interface TokenFacts {
  use: "access" | "join" | "unknown";
  role?: "host" | "cohost" | "viewer";
  name?: string;
  /** Epoch milliseconds. */
  expiresAt?: number;
}

/** Decodes a token's claims without verifying them; a token that cannot be read says nothing. */
export function readToken(token: string): TokenFacts {
  const claims = decodeClaims(token);
  const role = claims["role"];
  const use = claims["use"];
  return {
    use: use === "access" || use === "join" ? use : "unknown",
    role: role === "host" || role === "cohost" || role === "viewer" ? role : undefined,
    name: typeof claims["name"] === "string" ? claims["name"] : undefined,
    expiresAt: typeof claims["exp"] === "number" ? claims["exp"] * 1000 : undefined,
  };
}

/** Whether the lobby should offer camera and microphone: to everybody but known viewers. */
export function mayPresent(token: string | undefined): boolean {
  return token !== undefined && readToken(token).role !== "viewer";
}

function decodeClaims(token: string): Record<string, unknown> {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
