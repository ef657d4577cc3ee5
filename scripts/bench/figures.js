/** Numbers of several rounds, told as a middle and a range. */

/** Between two values where the share falls between them: the median of two is their middle. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place - Math.floor(place));
}

export const median = (values) => quantile(values, 0.5);
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export const spread = (values, digits = 0) => `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

/** Round by round: what the machine did to one it did to the other. */
export const over = (ours, theirs) => ours.map((value, round) => value / theirs[round]);
export const minus = (ours, theirs) => ours.map((value, round) => value - theirs[round]);

export function table(rows) {
  const widths = rows[0].map((_cell, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()}`);
}

/** Goals, said together at the end beside what was seen. */
export function createGoals() {
  const rows = [];
  return {
    add(figure, values, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }) {
      const met = median(values) >= least && median(values) <= most;
      rows.push([met ? 'met' : 'NOT MET', figure, spread(values, 2), Number.isFinite(most) ? `≤ ${most}` : `≥ ${least}`]);
    },
    tell() {
      console.log('\nthe goals (medians count)');
      table([['', 'figure', 'seen', 'goal'], ...rows]);
    },
  };
}
