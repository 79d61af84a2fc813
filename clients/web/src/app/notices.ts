/** Pages that say that the visit is over, or could not begin. */

export type NoticeKind = "left" | "ended" | "removed" | "not-found" | "refused" | "expired" | "locked" | "full" | "replaced" | "incomplete" | "failed";

export interface Notice {
  kind: NoticeKind;
  title: string;
  text: string;
  /** Whether trying the same link again makes sense. */
  mayReturn: boolean;
}

const notices: Record<NoticeKind, Omit<Notice, "kind">> = {
  left: { title: "You left the webinar", text: "You can come back as long as it is running.", mayReturn: true },
  ended: { title: "The webinar has ended", text: "The host has ended it for everybody. Thank you for being there.", mayReturn: false },
  removed: { title: "You were removed", text: "A host has removed you from this webinar.", mayReturn: false },
  "not-found": {
    title: "There is no such webinar",
    text: "It may be private, over, or the link may be incomplete. Ask the host for a new invitation.",
    mayReturn: false,
  },
  refused: { title: "This invitation is not valid", text: "It may have expired. Ask the host for a new one.", mayReturn: false },
  expired: { title: "Your pass has run out", text: "It was valid for a limited time. Try again, or ask the host for a new invitation.", mayReturn: true },
  locked: { title: "The webinar is locked", text: "The host lets nobody new in at the moment.", mayReturn: true },
  full: { title: "The webinar is full", text: "All places are taken. Try again when somebody has left.", mayReturn: true },
  replaced: { title: "You are here in another tab", text: "The webinar goes on there. You can take it back to this one.", mayReturn: true },
  incomplete: { title: "This link is incomplete", text: "A part of it got lost. Copy the whole link from your invitation.", mayReturn: false },
  failed: { title: "The webinar could not be reached", text: "Check your connection, then try again.", mayReturn: true },
};

const reasons: Readonly<Record<string, NoticeKind>> = {
  left: "left",
  ended: "ended",
  removed: "removed",
  removed_from_room: "removed",
  room_not_found: "not-found",
  not_found: "not-found",
  room_locked: "locked",
  room_full: "full",
  replaced: "replaced",
  forbidden: "refused",
  unauthorized: "refused",
  invalid_token: "refused",
  token_expired: "expired",
  token_revoked: "expired",
  key_revoked: "expired",
  invalid_api_key: "incomplete",
};

/** The page for a reason of closing or a code of refusal; an unknown one is a failure with the server's own sentence. */
export function noticeFor(reason: string, sentence?: string): Notice {
  const kind = reasons[reason] ?? "failed";
  const notice = { kind, ...notices[kind] };
  return kind === "failed" && sentence ? { ...notice, text: sentence } : notice;
}
