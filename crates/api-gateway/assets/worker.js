// Keeps one page and its style, and shows it when the network cannot be reached. It keeps nothing of anybody's data.

const version = location.search.slice(1);
const CACHE = `offline-${version}`;
const PAGE = "/dashboard/offline";
const FILES = ["tokens.css", "app.css", "app.js", "icon.svg"].map((name) => `/dashboard/assets/${version}/${name}`);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...FILES])));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name !== CACHE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  } else if (FILES.includes(new URL(request.url).pathname)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
