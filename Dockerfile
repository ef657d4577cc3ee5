# Debian, not Alpine: libsodium's Node binding has no musl build.
FROM node:24-bookworm-slim AS build
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# What other systems would load, sources and debug symbols stay behind: 60 MB.
RUN npm run build && npm prune --omit=dev \
  && find node_modules -type d -path '*/prebuilds/*' -prune ! -name "linux-$(node -p process.arch)" -exec rm -rf {} + \
  && rm -rf node_modules/@photostructure/sqlite/src \
  && strip --strip-unneeded -o /usr/local/bin/node-stripped /usr/local/bin/node \
  && mkdir -m 0700 /data

# Debian's C and C++ libraries, certificates and time zones; no shell, nothing else to break into. 170 MB in all.
FROM gcr.io/distroless/cc-debian12:nonroot
ENV NODE_ENV=production TOLLFREE_HOST=0.0.0.0 TOLLFREE_DATA_DIR=/data
WORKDIR /app
COPY --from=build /usr/local/bin/node-stripped /usr/local/bin/node
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json routing-rules.yaml ./
COPY config ./config
# The only place that is written to: everything else may be read-only.
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TOLLFREE_PORT || 8000}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/index.js"]
CMD ["serve"]
