/** A rectangle in CSS pixels, relative to the stage's top left corner. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Area {
  width: number;
  height: number;
}

export interface Arrangement {
  /** One for each tile that is shown, in the tiles' order: the first tiles are the ones shown. */
  boxes: Box[];
  /** Tiles that found no room. */
  hidden: number;
}

const GAP = 8;
const MOST_TILES = 25;
/** A tile smaller than this shows nobody. */
const SMALLEST = { width: 96, height: 64 };
/** The shape of nearly every camera and screen. */
const WIDE = 16 / 9;
/** How tall a tile may become beside that, at the cost of a picture's sides: more so where the area is tall itself. */
const LEAST_RATIO = { landscape: 4 / 3, portrait: 1 };
/** How far a big tile's shape may go before it is only black bars. */
const BIG_RATIO = { least: 4 / 3, most: 2.1 };

/**
 * Places tiles in an area. With `hasBig` the first tile (a shared screen, a pinned person) takes most of it and
 * the others make a strip beside it, or below it where the area is tall.
 *
 * Own calculation instead of opentok-layout-js: with an odd number of tiles in a portrait area that library
 * places boxes beyond the area's edge (5 tiles in 374×420: one ends at x = 427), which hides somebody.
 */
export function arrange(area: Area, count: number, hasBig: boolean): Arrangement {
  if (count <= 0 || area.width < SMALLEST.width || area.height < SMALLEST.height) return { boxes: [], hidden: Math.max(0, count) };
  return hasBig ? spotlight(area, count) : grid(area, count);
}

function grid(area: Area, count: number): Arrangement {
  const shown = Math.min(count, MOST_TILES, gridCapacity(area));
  let best = { columns: 1, tile: { width: 0, height: 0 } };
  for (let columns = 1; columns <= shown; columns++) {
    const tile = largestTile(area, columns, Math.ceil(shown / columns));
    if (worth(tile) > worth(best.tile)) best = { columns, tile };
  }
  return { boxes: centredRows(area, shown, best.columns, best.tile), hidden: count - shown };
}

function gridCapacity(area: Area): number {
  const columns = Math.floor((area.width + GAP) / (SMALLEST.width + GAP));
  const rows = Math.floor((area.height + GAP) / (SMALLEST.height + GAP));
  return Math.max(1, columns * rows);
}

/** A tile's area, less for what it crops of a wide picture. */
function worth(tile: Area): number {
  return tile.width * tile.height * Math.sqrt(Math.min(1, tile.width / Math.max(1, tile.height) / WIDE));
}

function largestTile(area: Area, columns: number, rows: number): Area {
  const cell = { width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows };
  const least = area.width > area.height ? LEAST_RATIO.landscape : LEAST_RATIO.portrait;
  const ratio = Math.min(WIDE, Math.max(least, cell.width / cell.height));
  return cell.width / cell.height > ratio
    ? { width: cell.height * ratio, height: cell.height }
    : { width: cell.width, height: cell.width / ratio };
}

function centredRows(area: Area, count: number, columns: number, tile: Area): Box[] {
  const rows = Math.ceil(count / columns);
  const top = (area.height - rows * tile.height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = (area.width - inRow * tile.width - (inRow - 1) * GAP) / 2;
    const column = index - row * columns;
    return whole({ left: left + column * (tile.width + GAP), top: top + row * (tile.height + GAP), ...tile });
  });
}

/** Beside or below, whichever leaves the big picture larger. */
function spotlight(area: Area, count: number): Arrangement {
  if (count === 1) return { boxes: [centred(area, big(area))], hidden: 0 };
  const [one, other] = [besides(area, count), below(area, count)];
  return pictureWidth(one.boxes[0]) >= pictureWidth(other.boxes[0]) ? one : other;
}

function pictureWidth(box: Box | undefined): number {
  return box ? Math.min(box.width, box.height * WIDE) : 0;
}

/** The largest big tile in an area that is not mostly black bars. */
function big(area: Area): Area {
  return { width: Math.min(area.width, area.height * BIG_RATIO.most), height: Math.min(area.height, area.width / BIG_RATIO.least) };
}

function centred(area: Area, tile: Area): Box {
  return whole({ left: (area.width - tile.width) / 2, top: (area.height - tile.height) / 2, ...tile });
}

function besides(area: Area, count: number): Arrangement {
  const width = Math.min(264, Math.max(132, area.width * 0.2));
  const small = { width, height: width / WIDE };
  const first = big({ width: area.width - width - GAP, height: area.height });
  const shown = Math.max(1, Math.min(count - 1, Math.floor((first.height + GAP) / (small.height + GAP))));
  const left = (area.width - first.width - GAP - width) / 2;
  const top = (area.height - first.height) / 2;
  const strip = Array.from({ length: shown }, (_, index) => whole({ left: left + first.width + GAP, top: top + index * (small.height + GAP), ...small }));
  return { boxes: [whole({ left, top, ...first }), ...strip], hidden: count - 1 - shown };
}

function below(area: Area, count: number): Arrangement {
  const height = Math.min(120, Math.max(SMALLEST.height, area.height * 0.22));
  const shown = Math.max(1, Math.min(count - 1, Math.floor((area.width + GAP) / (SMALLEST.width + GAP))));
  const width = Math.min(height * WIDE, (area.width - GAP * (shown - 1)) / shown);
  const first = big({ width: area.width, height: area.height - height - GAP });
  const top = (area.height - first.height - GAP - height) / 2;
  const start = (area.width - shown * width - (shown - 1) * GAP) / 2;
  const strip = Array.from({ length: shown }, (_, index) => whole({ left: start + index * (width + GAP), top: top + first.height + GAP, width, height }));
  return { boxes: [whole({ left: (area.width - first.width) / 2, top, ...first }), ...strip], hidden: count - 1 - shown };
}

/** Whole pixels, rounded at the edges, so that neighbours neither overlap nor leave the area. */
function whole(box: Box): Box {
  const left = Math.round(box.left);
  const top = Math.round(box.top);
  return { left, top, width: Math.round(box.left + box.width) - left, height: Math.round(box.top + box.height) - top };
}
