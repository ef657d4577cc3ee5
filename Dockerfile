# Debian, not Alpine: libsodium's Node binding has no musl build.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production TOLLFREE_HOST=0.0.0.0 TOLLFREE_DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json routing-rules.yaml ./
COPY config ./config
# The only place that is written to: everything else may be read-only.
RUN mkdir /data && chown node:node /data && chmod 0700 /data && ln -s /app/dist/cli/index.js /usr/local/bin/tollfree && chmod +x /app/dist/cli/index.js
USER node
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/index.js"]
CMD ["serve"]
