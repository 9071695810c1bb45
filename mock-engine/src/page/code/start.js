// The end of the script: what follows it is data.

const page = new Page();
page.start();
// For measurements, and for looking at the drawing from the browser's console.
window.wstape = { run: page.run, view: page.view };
