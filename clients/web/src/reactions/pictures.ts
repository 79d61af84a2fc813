import type { ReactionKind } from "@rostrum/sdk";

/** One shape of a picture on a 24×24 grid: filled, or drawn as a line `width` wide with round ends. */
export interface Shape {
  d: string;
  colour: string;
  width?: number;
  transform?: string;
}

const SKIN = "#ffc94d";
const SKIN_DARK = "#eda92c";
const INK = "#5b3a12";
const RED = "#f0506a";
const BLUE = "#4a9df8";
const MINT = "#46d39a";
const VIOLET = "#a98bfa";

const FACE: Shape = { d: "M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z", colour: SKIN };

/** An open hand with its fingers upwards. */
function hand(colour: string, transform?: string): Shape[] {
  return [
    { d: "M7.6 11h10.2v4.6c0 3.4-2.1 5.9-5.2 5.9-2.6 0-4.1-1.2-5.2-3.4z", colour, transform },
    { d: "M8.8 12.5V5.6M11.6 12.5V3.7M14.3 12.5V4.5M16.8 13V7.4", colour, width: 2.2, transform },
    { d: "M8.2 17.2L4.9 12.9", colour, width: 2.4, transform },
  ];
}

/**
 * Pictures of our own, in the order of drawing: an emoji looks different on each system, and on a machine without such a font
 * it is an empty box.
 */
export const pictures: Readonly<Record<ReactionKind, readonly Shape[]>> = {
  like: [
    { d: "M4.6 11.2h1.6a1 1 0 0 1 1 1v7.4a1 1 0 0 1-1 1H4.6a1.6 1.6 0 0 1-1.6-1.6v-6.2a1.6 1.6 0 0 1 1.6-1.6z", colour: BLUE },
    { d: "M8.6 11.4l3.2-7.3c.5-1.2 3.5-.9 3.5 1.5v3.7h3.7a2.2 2.2 0 0 1 2.2 2.6l-1.2 6.6a2.6 2.6 0 0 1-2.5 2.1h-6.4a2.5 2.5 0 0 1-2.5-2.5z", colour: SKIN },
  ],
  clap: [
    ...hand(SKIN_DARK, "translate(7.6 .6) rotate(16 12 12) scale(.76)"),
    ...hand(SKIN, "translate(1.2 5.2) rotate(-26 12 12) scale(.82)"),
    { d: "M4.2 4.6l1.4 2M8.6 2.4l.5 2.4M2 9l2.2.7", colour: BLUE, width: 1.5 },
  ],
  heart: [{ d: "M12 20.8C5.2 16 2.6 12.6 2.6 8.9A5 5 0 0 1 12 6.7a5 5 0 0 1 9.4 2.2c0 3.7-2.6 7.1-9.4 11.9z", colour: RED }],
  laugh: [
    FACE,
    { d: "M6.6 12.6h10.8a5.4 5.4 0 0 1-10.8 0z", colour: INK },
    { d: "M9.3 16.8a4.3 4.3 0 0 1 5.4 0 5.4 5.4 0 0 1-5.4 0z", colour: RED },
    { d: "M6.7 9.6l1.6-1.5 1.6 1.5M14.1 9.6l1.6-1.5 1.6 1.5", colour: INK, width: 1.4 },
  ],
  wow: [
    FACE,
    { d: "M12 13a2.6 3 0 1 0 0 6 2.6 3 0 0 0 0-6z", colour: INK },
    { d: "M8.3 9.7v.4M15.7 9.7v.4", colour: INK, width: 2.3 },
    { d: "M6.9 6.5q1.3-1 2.7-.7M17.1 6.5q-1.3-1-2.7-.7", colour: INK, width: 1.2 },
  ],
  celebrate: [
    { d: "M2.7 21.3L8.2 8.6q3.8 2.4 7.2 7.2z", colour: SKIN },
    { d: "M6.2 13.2q3 2 4.9 4.6M4.6 17q1.5 1 2.4 2.3", colour: SKIN_DARK, width: 1.4 },
    { d: "M11.4 8.3q1.7-2.3.3-5.1", colour: RED, width: 1.7 },
    { d: "M15.6 12.6q2.4-1.7 5.3-.3", colour: BLUE, width: 1.7 },
    { d: "M13.6 10.4l3.9-4", colour: MINT, width: 1.7 },
    { d: "M7.4 4.6v.01M20.3 4.2v.01M20.6 17.3v.01", colour: VIOLET, width: 2.2 },
    { d: "M16 3v.01M19.7 8.6v.01", colour: SKIN, width: 2 },
  ],
  hand: hand(SKIN),
};
