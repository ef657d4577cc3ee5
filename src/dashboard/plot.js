/** A small plot: bars or lines over time, readable by pointer, by arrow keys and as a table. */
import { h, replace, svg } from './dom.js';

const WIDTH = 560;
const HEIGHT = 180;
/** On the right, and on the left beyond the numbers. */
const EDGE = 4;
/** How wide a figure of theirs is, in the picture's own units: on a phone it shrinks and its words do not. */
const letterWidth = () => (matchMedia('(max-width: 560px)').matches ? 12 : 8);
const BASE = HEIGHT - 22;
const TOP = 12;

/** `series`: `[{ name, values: (number|null)[] }]`; `labels`: one a point. `kind`: bars (stacked) or lines. */
export function plot({ title, series, labels, format, kind }) {
  const points = labels.length;
  const heights = labels.map((_, index) => (kind === 'bars' ? sum(series.map(({ values }) => values[index] ?? 0)) : Math.max(...series.map(({ values }) => values[index] ?? 0))));
  const most = niceCeiling(Math.max(...heights, 0));
  const ticks = heights.some((height) => height > 0) ? [[most, TOP], ...(isTold(most / 2) ? [[most / 2, (TOP + BASE) / 2]] : [])].map(([value, at]) => ({ text: format(value), at })) : [];
  const left = EDGE + Math.max(0, ...ticks.map(({ text }) => text.length * letterWidth() + 4));
  const step = (WIDTH - left - EDGE) / Math.max(1, points);
  const x = (index) => left + (index + 0.5) * step;
  const y = (value) => BASE - (value / most) * (BASE - TOP);

  const marker = svg('line', { class: 'marker', y1: TOP, y2: BASE, visibility: 'hidden' });
  const reading = h('p', { class: 'reading number', 'aria-live': 'off' });
  const rest = () => {
    marker.setAttribute('visibility', 'hidden');
    replace(reading, ...legend(series, kind));
  };
  const state = { index: points };
  const read = (index) => {
    state.index = Math.max(0, Math.min(points - 1, index));
    marker.setAttribute('visibility', 'visible');
    for (const end of ['x1', 'x2']) marker.setAttribute(end, x(state.index));
    replace(reading, h('b', {}, labels[state.index]), ...series.map(({ name, values }) => ` · ${name} ${values[state.index] === null || values[state.index] === undefined ? '–' : format(values[state.index])}`));
  };

  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': summaryOf({ title, series, labels, format, kind }), tabindex: 0,
    onpointermove: (event) => read(Math.floor((((event.clientX - picture.getBoundingClientRect().left) / picture.getBoundingClientRect().width) * WIDTH - left) / step)),
    onpointerleave: rest,
    onblur: rest,
    onkeydown: (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      read(state.index + move);
    } },
    svg('line', { class: 'rule', x1: left, x2: WIDTH - EDGE, y1: TOP, y2: TOP }),
    svg('line', { class: 'rule', x1: left, x2: WIDTH - EDGE, y1: (TOP + BASE) / 2, y2: (TOP + BASE) / 2 }),
    svg('line', { class: 'base', x1: left, x2: WIDTH - EDGE, y1: BASE, y2: BASE }),
    ticks.map(({ text, at }) => svg('text', { class: 'tick', x: left - 8, y: at, 'text-anchor': 'end' }, text)),
    kind === 'bars' ? bars({ series, points, x, y, step }) : series.map(({ values }, index) => svg('path', { class: `stroke tone-${index}`, d: lineOf(values, x, y) })),
    kind === 'lines' && series.flatMap(({ values }, index) => lonely(values).map((point) => svg('circle', { class: `dot tone-${index}`, cx: x(point), cy: y(values[point]), r: 2.5 }))),
    marker,
    svg('text', { class: 'below', x: left, y: BASE + 6 }, labels[0] ?? ''),
    points > 2 && svg('text', { class: 'below', x: x(Math.floor((points - 1) / 2)), y: BASE + 6, 'text-anchor': 'middle' }, labels[Math.floor((points - 1) / 2)]),
    svg('text', { class: 'below', x: WIDTH - EDGE, y: BASE + 6, 'text-anchor': 'end' }, labels.at(-1) ?? ''),
  );
  rest();
  return h('figure', { class: 'card plot' }, h('figcaption', {}, h('h2', {}, title)), picture, reading, table({ title, series, labels, format }));
}

/** Half a request is none. */
const isTold = (value) => value < 1 ? value < 0.5 : Number.isInteger(value);

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** 1, 2 or 5 times a power of ten, at or above. */
function niceCeiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value);
}

function bars({ series, points, x, y, step }) {
  const width = Math.max(1, Math.min(24, step * 0.72));
  return Array.from({ length: points }, (_, index) => {
    let below = 0;
    return series.map(({ values }, tone) => {
      const value = values[index] ?? 0;
      if (value <= 0) return null;
      const [bottom, top] = [y(below), y(below + value)];
      below += value;
      return svg('rect', { class: `fill tone-${tone}`, x: x(index) - width / 2, y: top, width, height: Math.max(1, bottom - top), rx: Math.min(2, width / 4) });
    });
  });
}

/** A break in the line where nothing was measured. */
function lineOf(values, x, y) {
  return values.map((value, index) => (value === null || value === undefined ? '' : `${values[index - 1] === null || values[index - 1] === undefined ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)).join('');
}

const missing = (value) => value === null || value === undefined;
const lonely = (values) => values.flatMap((value, index) => (!missing(value) && missing(values[index - 1]) && missing(values[index + 1]) ? [index] : []));

const legend = (series, kind) => series.map(({ name }, index) => h('span', { class: 'legend-item' }, h('span', { class: `swatch tone-${index}${kind === 'lines' ? ' line' : ''}`, 'aria-hidden': 'true' }), name));

function summaryOf({ title, series, labels, format, kind }) {
  const told = series.map(({ name, values }) => {
    const known = values.filter((value) => !missing(value));
    if (known.length === 0) return `${name}: nothing`;
    return kind === 'bars' ? `${name}: ${format(sum(known))} together, ${format(Math.max(...known))} at most` : `${name}: ${format(known.at(-1))} last, ${format(Math.max(...known))} at most`;
  });
  return `${title}, ${labels[0] ?? ''} to ${labels.at(-1) ?? ''}. ${told.join('; ')}`;
}

function table({ title, series, labels, format }) {
  return h('details', { 'data-key': `table-${title}` }, h('summary', {}, 'As a table'),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}, table` }, h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'When'), series.map(({ name }) => h('th', { scope: 'col', class: 'right' }, name)))),
      h('tbody', {}, labels.map((label, index) => h('tr', {}, h('th', { scope: 'row' }, label), series.map(({ values }) => h('td', { class: 'right number' }, missing(values[index]) ? '–' : format(values[index])))))))));
}
