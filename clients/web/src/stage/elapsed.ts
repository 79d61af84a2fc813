/** A duration as a clock shows it: 4:07, 1:02:33. Never negative, whatever the clocks say. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A count in the little room of a badge: 999, 1.2K, 15K. */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  const thousands = count / 1000;
  return `${thousands < 10 ? Math.floor(thousands * 10) / 10 : Math.floor(thousands)}K`;
}

/**
 * Since when the clock on stage counts: the session's own beginning, the same for everybody. Where the server does not say, or
 * this machine's clock is behind the server's, since there was something to see here.
 */
export function clockStart(startedAt: string | undefined, liveSince: number | null): number | null {
  const started = startedAt === undefined ? Number.NaN : Date.parse(startedAt);
  if (liveSince === null || Number.isNaN(started)) return liveSince;
  return Math.min(started, liveSince);
}
