// The API page: Swagger UI over our own OpenAPI document, asked for with the key that is typed in above it.
"use strict";

const KEPT_AS = "gateway-key";
const field = document.getElementById("key");
field.value = sessionStorage.getItem(KEPT_AS) || "";

document.getElementById("with-key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEPT_AS, field.value.trim());
  location.reload();
});

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null, // nothing is sent to another address
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  requestInterceptor: (request) => {
    const key = sessionStorage.getItem(KEPT_AS);
    const ours = new URL(request.url, location.href).origin === location.origin;
    if (key && ours && !request.headers.Authorization && !request.headers["X-Api-Key"]) {
      request.headers.Authorization = `Bearer ${key}`;
    }
    return request;
  },
});
