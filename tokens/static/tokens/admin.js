// The filter of Django's two lists has a <span> with an aria-label, which screen readers read only of an image.
// A table that scrolls and has no control needs a stop of the Tab key, so that it can be scrolled by keyboard.
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".search-label-icon")) icon.setAttribute("role", "img");
  for (const group of document.querySelectorAll(".inline-group")) {
    const controls = [...group.querySelectorAll("a, button, input, select, textarea")];
    if (controls.some(one => one.checkVisibility() && !one.disabled)) continue;
    group.tabIndex = 0;
    group.setAttribute("role", "region");
    group.setAttribute("aria-labelledby", group.querySelector("h2").id);
  }
});
