// The last of the script: what stands behind it is data.

const page = new Page();
page.start();
// For whoever measures, or looks at what is drawn from the browser's console.
window.wstape = { run: page.run, view: page.view };
