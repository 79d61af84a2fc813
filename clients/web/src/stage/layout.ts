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
/** How far a tile's shape may leave the camera's own 16:9: portrait areas may crop the sides of a picture. */
const RATIO = { least: 1, most: 16 / 9 };

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
    if (tile.width * tile.height > best.tile.width * best.tile.height) best = { columns, tile };
  }
  return { boxes: centredRows(area, shown, best.columns, best.tile), hidden: count - shown };
}

function gridCapacity(area: Area): number {
  const columns = Math.floor((area.width + GAP) / (SMALLEST.width + GAP));
  const rows = Math.floor((area.height + GAP) / (SMALLEST.height + GAP));
  return Math.max(1, columns * rows);
}

function largestTile(area: Area, columns: number, rows: number): Area {
  const cell = { width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows };
  const ratio = Math.min(RATIO.most, Math.max(RATIO.least, cell.width / cell.height));
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

function spotlight(area: Area, count: number): Arrangement {
  if (count === 1) return { boxes: [whole({ left: 0, top: 0, ...area })], hidden: 0 };
  return area.width > area.height ? besides(area, count) : below(area, count);
}

function besides(area: Area, count: number): Arrangement {
  const width = Math.min(264, Math.max(132, area.width * 0.2));
  const tile = { width, height: width / RATIO.most };
  const shown = Math.max(1, Math.min(count - 1, Math.floor((area.height + GAP) / (tile.height + GAP))));
  const left = area.width - width;
  const strip = Array.from({ length: shown }, (_, index) => whole({ left, top: index * (tile.height + GAP), ...tile }));
  return { boxes: [whole({ left: 0, top: 0, width: left - GAP, height: area.height }), ...strip], hidden: count - 1 - shown };
}

function below(area: Area, count: number): Arrangement {
  const height = Math.min(120, Math.max(SMALLEST.height, area.height * 0.26));
  const shown = Math.max(1, Math.min(count - 1, Math.floor((area.width + GAP) / (SMALLEST.width + GAP))));
  const width = Math.min(height * RATIO.most, (area.width - GAP * (shown - 1)) / shown);
  const start = (area.width - shown * width - (shown - 1) * GAP) / 2;
  const top = area.height - height;
  const strip = Array.from({ length: shown }, (_, index) => whole({ left: start + index * (width + GAP), top, width, height }));
  return { boxes: [whole({ left: 0, top: 0, width: area.width, height: top - GAP }), ...strip], hidden: count - 1 - shown };
}

/** Whole pixels, rounded at the edges, so that neighbours neither overlap nor leave the area. */
function whole(box: Box): Box {
  const left = Math.round(box.left);
  const top = Math.round(box.top);
  return { left, top, width: Math.round(box.left + box.width) - left, height: Math.round(box.top + box.height) - top };
}
