/** What a link into a room says. The fragment (`#k=…&t=…`) never reaches a server's log. */
export interface Invitation {
  roomId: string;
  /** The tenant's publishable API key. */
  key?: string;
  /** A user's token or an invitation's; absent for a guest. */
  token?: string;
  /** `tcp=1`: media over TCP only, for support and for tests. */
  forceTcp: boolean;
}

export type Route = { page: "start" } | { page: "join"; invitation: Invitation } | { page: "unknown" };

const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;
const JOIN_PATH = /^\/join\/([^/]+)\/?$/;

/** Which page an address asks for. */
export function parseLocation(location: { pathname: string; hash: string }): Route {
  if (location.pathname === "/" || location.pathname === "/index.html") return { page: "start" };
  const id = JOIN_PATH.exec(location.pathname)?.[1];
  if (!id || !ROOM_ID.test(id)) return { page: "unknown" };
  return { page: "join", invitation: fromFragment(id, location.hash) };
}

/**
 * Reads what somebody pasted into the start page: a whole link, a path or a room's id.
 * Answers null for anything else, and for links to another server, which this page cannot join.
 */
export function parseInvitation(text: string, origin: string): Invitation | null {
  const typed = text.trim();
  if (ROOM_ID.test(typed)) return { roomId: typed, forceTcp: false };
  let url: URL;
  try {
    url = new URL(typed, origin);
  } catch {
    return null;
  }
  if (url.origin !== origin) return null;
  const route = parseLocation(url);
  return route.page === "join" ? route.invitation : null;
}

/** The address of an invitation on this server, without the origin. */
export function invitationPath(invitation: Invitation): string {
  const fragment = new URLSearchParams();
  if (invitation.key) fragment.set("k", invitation.key);
  if (invitation.token) fragment.set("t", invitation.token);
  if (invitation.forceTcp) fragment.set("tcp", "1");
  const rest = fragment.toString();
  return `/join/${invitation.roomId}${rest ? `#${rest}` : ""}`;
}

/** The link to give to viewers: never the visitor's own token. */
export function viewerLink(invitation: Invitation, origin: string): string {
  return origin + invitationPath({ roomId: invitation.roomId, key: invitation.key, forceTcp: false });
}

function fromFragment(roomId: string, hash: string): Invitation {
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    roomId,
    key: fragment.get("k") ?? undefined,
    token: fragment.get("t") ?? undefined,
    forceTcp: fragment.get("tcp") === "1",
  };
}
