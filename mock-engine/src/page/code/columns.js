// Growable columns of numbers: millions of lines without an object for each.

// A column's first capacity.
const MIN_CAPACITY = 16;

class Column {
  constructor(Type, capacity = MIN_CAPACITY) {
    this.values = new Type(capacity);
    this.length = 0;
  }

  push(value) {
    if (this.length === this.values.length) {
      const grown = new this.values.constructor(this.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  at(index) {
    return this.values[index];
  }

  last() {
    return this.values[this.length - 1];
  }
}

// A sorted list of lines, searched by time.
class Track {
  constructor(times) {
    this.times = times;
    this.lines = new Column(Uint32Array, 4);
  }

  get length() {
    return this.lines.length;
  }

  push(line) {
    this.lines.push(line);
  }

  timeAt(index) {
    return this.times.values[this.lines.values[index]];
  }

  // The first index at or after `from` whose time is not before `time`. The steps double, so that walking
  // along columns of pixels is cheap where little happens.
  find(time, from = 0) {
    let low = from;
    let step = 1;
    let high = from;
    while (high < this.length && this.timeAt(high) < time) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    high = Math.min(high, this.length);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The first index whose line comes after this one.
  behind(line) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lines.values[middle] <= line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The nearest line after this one, or before it; null if there is none.
  step(line, forward) {
    const behind = this.behind(line);
    if (forward) return behind < this.length ? this.lines.values[behind] : null;
    const before = behind - 1;
    const index = before >= 0 && this.lines.values[before] === line ? before - 1 : before;
    return index >= 0 ? this.lines.values[index] : null;
  }
}

// How much happened when, over the whole run, in a bounded number of bins: when time runs past the last one,
// pairs of bins are merged.
const MAX_BINS = 2048;

class Histogram {
  constructor(binMs) {
    this.binMs = binMs;
    this.counts = new Float64Array(MAX_BINS);
    this.bad = new Float64Array(MAX_BINS);
    this.most = 0;
  }

  add(time, isBad, count = 1) {
    let bin = Math.floor(Math.max(0, time) / this.binMs);
    while (bin >= MAX_BINS) {
      this.halve();
      bin = Math.floor(time / this.binMs);
    }
    this.counts[bin] += count;
    if (isBad) this.bad[bin] += count;
    if (this.counts[bin] > this.most) this.most = this.counts[bin];
  }

  halve() {
    this.binMs *= 2;
    this.most = 0;
    for (const bins of [this.counts, this.bad]) {
      for (let bin = 0; bin < MAX_BINS / 2; bin += 1) {
        bins[bin] = bins[2 * bin] + bins[2 * bin + 1];
      }
      bins.fill(0, MAX_BINS / 2);
    }
    for (const count of this.counts) this.most = Math.max(this.most, count);
  }
}
