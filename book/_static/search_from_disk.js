// Pages opened from disk may not read one another, so the search there lists titles without excerpts.
if (location.protocol === "file:") {
  document.addEventListener("DOMContentLoaded", () => {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  });
}
