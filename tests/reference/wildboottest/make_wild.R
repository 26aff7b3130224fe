# Wild cluster bootstrap by full enumeration, made in R.
#
#   Rscript make_wild.R            (run it from this folder; a minute)
#
# Data: ../clubsandwich/few.csv. Versions: SOURCE.md. With B >= 2^G fwildclusterboot takes every sign pattern once.

suppressMessages({library(fwildclusterboot); library(data.table)})
setDTthreads(1)
few <- read.csv("../clubsandwich/few.csv")
exact <- function(v) if (is.numeric(v)) sprintf("%.15g", v) else v
models <- list(
  c(10, "y ~ tc", "tc", FALSE), c(10, "y ~ tc + x", "tc", FALSE), c(10, "y ~ tu + x + z", "tu", FALSE),
  c(10, "y ~ tu + x", "tu", TRUE), c(10, "y ~ tc + x", "tc", TRUE), c(16, "y ~ tc + x", "tc", FALSE), c(16, "y ~ tu + x", "tu", TRUE))
results <- NULL
for (m in models) for (null in c(0, 0.3)) for (impose in c(TRUE, FALSE)) for (tails in c("two-tailed", "equal-tailed")) {
  weighted <- as.logical(m[4])
  d <- few[few$set == as.integer(m[1]), ]
  if (weighted) d <- d[d$mw > 0, ]
  formula <- as.formula(m[2])
  fit <- if (weighted) lm(formula, data = d, weights = mw) else lm(formula, data = d)
  b <- suppressWarnings(suppressMessages(boottest(
    fit, clustid = "cluster", param = m[3], B = 99999, type = "rademacher", r = null, impose_null = impose, p_val_type = tails,
    conf_int = TRUE, tol = 1e-9, maxiter = 200, engine = "R",
    ssc = boot_ssc(adj = FALSE, cluster.adj = TRUE))))
  stopifnot(b$boot_iter %in% (2^as.integer(m[1]) - 0:1))
  results <- rbind(results, data.frame(set = as.integer(m[1]), formula = m[2], param = m[3], weighted, null, impose, tails,
                                       estimate = b$point_estimate, t = as.numeric(b$t_stat), p = as.numeric(b$p_val),
                                       lower = b$conf_int[1], upper = b$conf_int[2], draws = b$boot_iter))
}
write.csv(as.data.frame(lapply(results, exact)), "fwildclusterboot.csv", row.names = FALSE, quote = TRUE)
