// The drawing's colours, from the style sheet: light, dark, or for print.

const COLOURS = [
  "paper", "panel", "ink", "soft", "line", "grid", "select", "open", "open-edge", "shake", "out",
  "out-all", "in", "control", "close", "bad", "gap", "gap-over", "cap", "held", "state", "mark", "found",
];

const palette = {};

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  for (const name of COLOURS) {
    palette[name.replace(/-(\w)/g, (_, c) => c.toUpperCase())] = style.getPropertyValue(`--${name}`).trim();
  }
}

// A pattern of slanted lines, for what is held back.
function hatch(context, colour) {
  const tile = document.createElement("canvas");
  tile.width = 6;
  tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
