# Reference results for evaluation.models.synthetic_control. Run in this folder:
#   R_LIBS=<library with synthdid, quadprog, jsonlite and Synth> TZ=UTC OMP_NUM_THREADS=1 Rscript make_synth.R
# SYNTH_SOURCE=<folder with the R files of Synth> where the package is not installed but kernlab and optimx are.
suppressPackageStartupMessages({library(synthdid); library(quadprog); library(jsonlite)})
if (nzchar(Sys.getenv("SYNTH_SOURCE"))) {
  suppressPackageStartupMessages({library(kernlab); library(optimx)})
  for (f in c("collect.optimx", "fn.V", "synth")) source(file.path(Sys.getenv("SYNTH_SOURCE"), paste0(f, ".R")))
} else suppressPackageStartupMessages(library(Synth))

states <- read.csv("california_prop99.csv", sep = ";")
setup <- panel.matrices(states)
Y <- setup$Y; N0 <- setup$N0; T0 <- setup$T0
donors <- rownames(Y)[1:N0]
post <- (T0 + 1):ncol(Y)

# exact weights: min |path - w Z|^2 + ridge |w|^2 on the simplex; the tiny diagonal makes quadprog's matrix positive definite
exact <- function(path, Z, ridge = 0) {
  scale <- mean(Z^2)
  D <- (Z %*% t(Z)) / scale + diag(ridge / scale + 1e-11, nrow(Z))
  w <- solve.QP(D, as.vector(Z %*% path) / scale, cbind(1, diag(nrow(Z))), c(1, rep(0, nrow(Z))), meq = 1)$solution
  w <- pmax(w, 0); w / sum(w)
}
centred <- function(M, before) M - rowMeans(M[, before, drop = FALSE])
gap_of <- function(y, Z, before, demeaned, ridge = 0) {
  s2 <- if (demeaned) mean(apply(centred(Z, before)[, before], 2, function(v) mean((v - mean(v))^2)))
        else mean(apply(Z[, before], 2, function(v) mean((v - mean(v))^2)))
  if (demeaned) { y <- y - mean(y[before]); Z <- centred(Z, before) }
  w <- exact(y[before], Z[, before], ridge * s2 * length(before))
  list(w = w, gap = as.vector(y - w %*% Z))
}

california <- as.vector(Y[N0 + 1, ]); Z <- Y[1:N0, ]; before <- 1:T0
out <- list()
for (case in list(c("level", FALSE, 0), c("course", TRUE, 0), c("level_ridge", FALSE, 0.05), c("course_ridge", TRUE, 0.05))) {
  found <- gap_of(california, Z, before, as.logical(case[2]), as.numeric(case[3]))
  out[[case[1]]] <- list(ridge = as.numeric(case[3]), weights = setNames(as.list(found$w), donors), gap = found$gap,
                         estimate = mean(found$gap[post]), rmspe = sqrt(mean(found$gap[before]^2)))
}

# synthetic difference-in-differences with exact weights; noise and ridge as in Arkhangelsky and others (2021), eq. 5
sdid_of <- function(y, Z, before, after) {
  zeta2 <- sqrt(length(after)) * var(as.vector(apply(Z[, before], 1, diff)))
  Zc <- centred(Z, before); yc <- y - mean(y[before])
  omega <- exact(yc[before], Zc[, before], zeta2 * length(before))
  target <- rowMeans(Z[, after]); P <- t(Z[, before]); P <- P - rowMeans(P)
  lambda <- exact(target - mean(target), P)
  gap <- as.vector(y - omega %*% Z)
  list(omega = omega, lambda = lambda, gap = gap - sum(lambda * gap[before]))
}
found <- sdid_of(california, Z, before, post)
out$sdid <- list(weights = setNames(as.list(found$omega), donors), periods = found$lambda, gap = found$gap, estimate = mean(found$gap[post]))

# every donor treated in turn, the others its donors (California in no pool)
placebo <- do.call(rbind, lapply(c("level", "course", "sdid"), function(kind) do.call(rbind, lapply(1:N0, function(i) {
  gap <- if (kind == "sdid") sdid_of(Z[i, ], Z[-i, ], before, post)$gap else gap_of(Z[i, ], Z[-i, ], before, kind == "course")$gap
  data.frame(kind = kind, state = donors[i], estimate = mean(gap[post]), rmspe_before = sqrt(mean(gap[before]^2)), rmspe_after = sqrt(mean(gap[post]^2)))
}))))
placebo[, -(1:2)] <- lapply(placebo[, -(1:2)], format, digits = 15)
write.csv(placebo, "placebo.csv", row.names = FALSE, quote = FALSE)

# synthdid: as it stops by default, and iterated on
tight <- list(min.decrease = 1e-9, max.iter = 3e5, sparsify = NULL)
out$synthdid <- list(
  sc_default = c(sc_estimate(Y, N0, T0)), sc_converged = c(do.call(sc_estimate, c(list(Y, N0, T0), tight))),
  sdid_default = c(synthdid_estimate(Y, N0, T0)), sdid_converged = c(do.call(synthdid_estimate, c(list(Y, N0, T0), tight))),
  did = c(did_estimate(Y, N0, T0)))

# Synth with V given: the path, and two covariates made up here (fixed by seed), by inverse variance among donors times (2, 0.5)
set.seed(1989)
made_up <- data.frame(state = rownames(Y), a = round(rnorm(N0 + 1), 3), b = round(runif(N0 + 1), 3) + rowMeans(Y[, 1:3]) / 100)
made_up$b <- round(made_up$b, 3)
write.csv(made_up, "made_up_covariates.csv", row.names = FALSE, quote = FALSE)
X <- rbind(t(Y[, before]), t(as.matrix(made_up[, 2:3])))
variance <- function(v) mean((v - mean(v))^2)
s2 <- mean(apply(Z[, before], 2, variance))
ours <- c(rep(1 / (T0 * s2), T0), c(2, 0.5) / apply(made_up[1:N0, 2:3], 2, variance))
v <- ours * apply(X, 1, var)                                  # Synth divides by the standard deviation over all units first
fit <- synth(X1 = X[, N0 + 1, drop = FALSE], X0 = X[, 1:N0], Z1 = t(Y)[before, N0 + 1, drop = FALSE], Z0 = t(Z)[before, ],
             custom.v = v, Margin.ipop = 1e-7, Sigf.ipop = 8, Bound.ipop = 10)
w <- as.vector(fit$solution.w); w <- w / sum(w)
out$synth_with_v <- list(importance = c(2, 0.5), weights = setNames(as.list(w), donors), estimate = mean((california - as.vector(w %*% Z))[post]))

write_json(out, "prop99.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
print(sapply(out[1:5], `[[`, "estimate")); print(unlist(out$synthdid)); print(out$synth_with_v$estimate)
