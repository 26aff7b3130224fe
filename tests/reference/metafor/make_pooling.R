# Random-effects pooling of councils' effects: R metafor. Run: Rscript make_pooling.R (writes pooling.json beside it).
library(metafor)
library(jsonlite)
set.seed(20261124)

both <- function(m) c(m$ci.lb, m$ci.ub)
one <- function(call, yi, V, ...) {
  diagonal <- is.null(dim(V))
  out <- list(call = call, theta = yi, covariance = V)
  if (diagonal) {
    m <- rma(yi, V, method = "REML", test = "knha", control = list(threshold = 1e-14, maxiter = 10000))
    p <- predict(m); b <- blup(m); w <- suppressWarnings(rma(yi, V, method = "REML", control = list(threshold = 1e-14, maxiter = 10000)))
    bz <- blup(w)
    a <- rma(yi, V, method = "REML", test = "adhoc", control = list(threshold = 1e-14, maxiter = 10000))
    d <- rma(yi, V, method = "DL", test = "knha")
    f <- rma(yi, V, method = "FE")
    k <- confint(m, control = list(tol = 1e-13))
    out <- c(out, list(mean = c(m$beta), std_error = m$se, interval = both(m), df = m$dfs, tau2 = m$tau2, i2 = m$I2 / 100, q = m$QE, q_p = m$QEp,
      tau2_interval = unname(k$random["tau^2", c("ci.lb", "ci.ub")]), prediction = c(p$pi.lb, p$pi.ub),
      wald_std_error = w$se, guarded_std_error = a$se, guarded_interval = both(a),
      dl_tau2 = d$tau2, dl_mean = c(d$beta), dl_std_error = d$se, dl_i2 = d$I2 / 100,
      fixed_interval = both(f), blup = bz$pred, blup_std_error = bz$se))
    l <- if (length(yi) > 2) leave1out(m) else NULL
    if (!is.null(l)) out <- c(out, list(leave_one_out = list(mean = l$estimate, std_error = l$se, tau2 = l$tau2)))
  } else {
    id <- seq_along(yi)
    m <- rma.mv(yi, V, random = ~ 1 | id, method = "REML", test = "t", control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
    W <- solve(V); X <- matrix(1, length(yi), 1)
    P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
    r <- ranef(m, expand = FALSE)$id
    out <- c(out, list(mean = c(m$beta), wald_std_error = m$se, tau2 = m$sigma2, q = m$QE, q_p = m$QEp,
      i2 = m$sigma2 / (m$sigma2 + (m$k - 1) / sum(diag(P))), blup = c(m$beta) + r$intrcpt))
  }
  out
}

# Colditz and others (1994), as in metadat's dat.bcg: tuberculosis cases and others with and without vaccine, 13 trials
bcg <- data.frame(
  tpos = c(4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27), tneg = c(119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886),
  cpos = c(11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29), cneg = c(128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825))
risk <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg)

# Councils: families, own true effect, own error
families <- c(5, 6, 8, 8, 9, 12, 18, 25, 25, 31, 40, 55, 60, 72, 90, 120, 160, 200)
variance <- round(1 / families, 6)
spread <- round(rnorm(18, -0.1, 0.25) + rnorm(18, 0, sqrt(variance)), 6)
alike <- round(-0.1 + 0.7 * rnorm(18, 0, sqrt(variance)), 6)
load <- matrix(rnorm(18 * 6), 18, 6)
V <- round(diag(variance) + 0.01 * load %*% t(load), 8)
shared <- round(c(rnorm(18, -0.1, 0.25) + t(chol(V)) %*% rnorm(18)), 6)

results <- list(
  bcg = one("rma(yi, vi, method='REML', test='knha'), dat.bcg log risk ratios", c(risk$yi), c(risk$vi)),
  spread = one("the same, 18 generated councils of 5 to 200 families", spread, variance),
  alike = one("the same, councils that differ by less than noise", alike, variance),
  two = one("the same, two councils", c(0.3, -0.4), c(0.02, 0.05)),
  shared = one("rma.mv(yi, V, random = ~ 1 | id, method='REML', optim BFGS), full V", shared, V))

# Rate ratios of counts, zero cells included: 0.5 added to both counts of a council with a zero, as metafor's default (to = "only0")
x1 <- c(0, 3, 12, 40, 5, 0); t1 <- c(10, 12.5, 40, 100, 22, 9); x2 <- c(2, 9, 15, 61, 0, 0); t2 <- c(11, 14, 38, 104, 20, 8)
irr <- escalc(measure = "IRR", x1i = x1, t1i = t1, x2i = x2, t2i = t2, add = 0.5, to = "only0", drop00 = FALSE)
results$counts <- list(call = "escalc(measure='IRR', add=0.5, to='only0')", x1 = x1, t1 = t1, x2 = x2, t2 = t2, theta = c(irr$yi), variance = c(irr$vi))

# Welch's test: unit values by council
sizes <- c(4, 6, 9, 15, 30)
unit <- round(unlist(Map(function(n, m, s) rnorm(n, m, s), sizes, c(0, 0.4, -0.3, 0.1, 0.2), c(1, 2, 0.6, 1.4, 1))), 5)
council <- rep(seq_along(sizes), sizes)
welch <- oneway.test(unit ~ factor(council))
results$welch <- list(call = "oneway.test(unit ~ factor(council))", unit = unit, council = council - 1, f = unname(welch$statistic),
  df = unname(welch$parameter), p = welch$p.value)

write_json(results, "pooling.json", digits = I(17), auto_unbox = TRUE, pretty = FALSE)
cat(R.version.string, as.character(packageVersion("metafor")), as.character(packageVersion("metadat")), "\n")
