// Runs before the first paint, so that the page never flashes in the wrong colours.
"use strict";

const THEMES = ["auto", "light", "dark"];

function storedTheme() {
  try {
    const stored = localStorage.getItem("theme");
    return THEMES.includes(stored) ? stored : "auto";
  } catch {
    return "auto"; // storage is disabled
  }
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // The choice then lasts as long as the page.
  }
}

applyTheme(storedTheme());

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const label = () => {
    button.textContent = `Theme: ${document.documentElement.dataset.theme}`;
  };
  button.removeAttribute("aria-label");
  button.addEventListener("click", () => {
    const next = (THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length;
    applyTheme(THEMES[next]);
    label();
  });
  label();
});
