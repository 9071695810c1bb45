// A canvas that fills its element and is drawn in CSS pixels, whatever the screen's resolution.

class Canvas {
  constructor(element) {
    this.element = element;
    this.pen = element.getContext("2d", { alpha: false });
    this.width = 0;
    this.height = 0;
  }

  resize(width, height) {
    const scale = window.devicePixelRatio || 1;
    const pixels = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    if (this.element.width !== pixels[0] || this.element.height !== pixels[1]) {
      [this.element.width, this.element.height] = pixels;
      this.element.style.width = `${width}px`;
      this.element.style.height = `${height}px`;
    }
    this.width = width;
    this.height = height;
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
  }

  box(colour, x, y, width, height) {
    this.pen.fillStyle = colour;
    this.pen.fillRect(x, y, width, height);
  }

  // Draws a text, cut with … if it is too long for its place; returns the width it took.
  text(colour, text, x, y, most = Infinity, font = FONT) {
    const { pen } = this;
    pen.font = font;
    pen.fillStyle = colour;
    let shown = text;
    let width = pen.measureText(shown).width;
    if (width > most) {
      if (most < 14) return 0;
      const fits = Math.max(1, Math.floor((shown.length * (most - 8)) / width));
      shown = `${shown.slice(0, fits)}…`;
      width = pen.measureText(shown).width;
    }
    pen.fillText(shown, x, y);
    return width;
  }

  within(x, y, width, height, draw) {
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(x, y, width, height);
    this.pen.clip();
    draw();
    this.pen.restore();
  }
}

const FONT = "12px system-ui, sans-serif";
const BOLD = "600 12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";
const MONO = "11px ui-monospace, monospace";
