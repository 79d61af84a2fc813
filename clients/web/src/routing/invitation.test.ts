import { describe, expect, it } from "vitest";
import { invitationPath, parseInvitation, parseLocation, viewerLink } from "./invitation";

const ORIGIN = "https://rostrum.example";

describe("parseLocation", () => {
  it("reads key and token from the fragment", () => {
    expect(parseLocation({ pathname: "/join/abc123", hash: "#k=rk_pub_1&t=a.b.c" })).toEqual({
      page: "join",
      invitation: { roomId: "abc123", key: "rk_pub_1", token: "a.b.c", forceTcp: false },
    });
  });

  it("knows the start page and refuses the rest", () => {
    expect(parseLocation({ pathname: "/", hash: "" }).page).toBe("start");
    expect(parseLocation({ pathname: "/join/a/b", hash: "" }).page).toBe("unknown");
    expect(parseLocation({ pathname: "/join/%3Cscript%3E", hash: "" }).page).toBe("unknown");
  });
});

describe("parseInvitation", () => {
  it.each([
    ["a bare id", " 68aff60d0d7bbb02c917906d "],
    ["a path", "/join/68aff60d0d7bbb02c917906d"],
    ["a link", `${ORIGIN}/join/68aff60d0d7bbb02c917906d`],
  ])("takes %s", (_, text) => {
    expect(parseInvitation(text, ORIGIN)?.roomId).toBe("68aff60d0d7bbb02c917906d");
  });

  it.each(["", "   ", "https://elsewhere.example/join/abc", "javascript:alert(1)", "https://", "two words"])("refuses %j", (text) => {
    expect(parseInvitation(text, ORIGIN)).toBeNull();
  });
});

describe("links", () => {
  const invitation = { roomId: "abc", key: "rk_pub_1", token: "secret", forceTcp: true };

  it("survive a round trip", () => {
    expect(parseInvitation(invitationPath(invitation), ORIGIN)).toEqual(invitation);
  });

  it("for viewers carry no token", () => {
    expect(viewerLink(invitation, ORIGIN)).toBe(`${ORIGIN}/join/abc#k=rk_pub_1`);
  });
});
