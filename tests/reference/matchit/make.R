# Reference results for the matching room, made in R.
#
#   Rscript make.R                 all parts (run it from this folder)
#   Rscript make.R matching        one part: matching, weighting, balance, effects
#
# Versions used: see SOURCE.md; every JSON file names the version of the package
# that made it. The package MatchIt is 4.7.2, with optmatch and quickmatch.
# Only the results are needed by the tests; R isn't.

library(MatchIt)
library(jsonlite)
options(width = 500)
parts <- commandArgs(trailingOnly = TRUE)
if (length(parts) == 0) parts <- c("matching", "weighting", "balance", "effects")
only <- Sys.getenv("ONLY")               # a regular expression on names, to remake a few
dir.create("results", showWarnings = FALSE)

# ---------------------------------------------------------------- the two data sets

write_exact <- function(d, file) {       # numbers as short as reads back the same
  out <- d
  for (v in names(out)) if (is.numeric(out[[v]])) {
    s <- sprintf("%.15g", out[[v]])
    long <- as.numeric(s) != out[[v]]
    s[long] <- sprintf("%.17g", out[[v]][long])
    out[[v]] <- s
  }
  write.csv(out, file, row.names = FALSE, quote = FALSE)
}

make_lalonde <- function() {             # MatchIt's own 614 rows
  env <- new.env()
  data("lalonde", package = "MatchIt", envir = env)
  d <- env$lalonde
  data.frame(id = rownames(d), treat = as.integer(d$treat), age = d$age, educ = d$educ,
             race = as.character(d$race), married = d$married, nodegree = d$nodegree,
             re74 = d$re74, re75 = d$re75, re78 = d$re78)
}

make_generated <- function(n = 600) {
  set.seed(20260, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  r4 <- function(x) round(x, 4)
  x1 <- r4(rnorm(n, 50, 10))
  x2 <- r4(0.03 * (x1 - 50) + rnorm(n))
  x3 <- r4(rgamma(n, 2, 0.5))
  x4 <- r4(runif(n, -1, 1))
  b1 <- rbinom(n, 1, 0.4)
  grp <- sample(c("north", "south", "east", "west", "centre"), n, TRUE, c(.3, .25, .2, .15, .1))
  sw <- r4(0.4 + rgamma(n, 3, 4))
  eta <- -1.75 + 0.04 * (x1 - 50) + 0.35 * x2 + 0.12 * (x3 - 4) - 0.5 * x4 + 0.5 * b1 +
    c(north = 0, south = .4, east = -.3, west = .2, centre = .6)[grp]
  treat <- rbinom(n, 1, plogis(eta))
  mu <- 10 + 0.1 * (x1 - 50) + x2 + 0.3 * x3 - x4 + 0.8 * b1 + 0.2 * x2^2 + (grp == "south")
  y <- r4(mu + treat * (1.5 + 0.3 * x2) + rnorm(n, 0, 2))
  yb <- rbinom(n, 1, plogis(-1 + 0.2 * (mu - 11) + 0.6 * treat))
  data.frame(id = seq_len(n), treat, x1, x2, x3, x4, b1, grp, sw, y, yb)
}

write_exact(make_lalonde(), "lalonde.csv")
write_exact(make_generated(), "generated.csv")

# from here on the data are what the CSV files hold
read_data <- function(file, factors) {
  d <- read.csv(file, stringsAsFactors = FALSE)
  rownames(d) <- d$id
  for (v in factors) d[[v]] <- factor(d[[v]])      # levels in alphabetical order
  d
}
lalonde <- read_data("lalonde.csv", "race")
generated <- read_data("generated.csv", "grp")
local({
  env <- new.env(); data("lalonde", package = "MatchIt", envir = env)
  stopifnot(identical(as.numeric(env$lalonde$re74), as.numeric(lalonde$re74)),
            identical(as.numeric(env$lalonde$re75), as.numeric(lalonde$re75)),
            identical(as.numeric(env$lalonde$re78), as.numeric(lalonde$re78)),
            identical(levels(env$lalonde$race), levels(lalonde$race)))
})
f_lalonde <- treat ~ age + educ + race + married + nodegree + re74 + re75
f_generated <- treat ~ x1 + x2 + x3 + x4 + b1 + grp

# ---------------------------------------------------------------- writing results

exact_numbers <- function(x)             # 17 digits, so that the same double is read back
  structure(paste0("[", paste(sprintf("%.17g", x), collapse = ","), "]"), class = "json")
by_id <- function(x) {                   # named vector -> JSON object
  if (is.numeric(x)) x <- setNames(signif(x, 15), names(x))
  as.list(x)
}
columns <- function(M) {                 # matrix -> {row: {column: value}}
  if (is.null(M)) return(NULL)
  sapply(rownames(M), function(r) as.list(signif(M[r, ], 15)), simplify = FALSE)
}
ids <- function(d, x) if (d == "generated") as.integer(x) else as.character(x)
store <- function(name, out) {
  out <- out[!vapply(out, is.null, TRUE)]
  writeLines(toJSON(out, auto_unbox = TRUE, digits = NA, na = "null", null = "null",
                    json_verbatim = TRUE), file.path("results", paste0(name, ".json")))
}
pair_array <- function(d, m) {           # [treated, comparison], match.matrix row by row
  mm <- m$match.matrix
  if (is.null(mm)) return(NULL)
  focal <- rep(rownames(mm), each = ncol(mm)); other <- as.vector(t(mm))
  focal <- focal[!is.na(other)]; other <- other[!is.na(other)]
  p <- if (m$estimand == "ATC") cbind(other, focal) else cbind(focal, other)
  unname(Map(function(a, b) ids(d, c(a, b)), p[, 1], p[, 2]))
}
total_distance <- function(m) {          # sum of |score difference| over treated-comparison
  if (is.null(m$distance) || is.null(m$subclass)) return(NULL)   # edges inside the sets
  s <- 0
  for (k in unique(na.omit(m$subclass))) {
    i <- which(m$subclass == k)
    s <- s + sum(abs(outer(m$distance[i][m$treat[i] == 1], m$distance[i][m$treat[i] == 0], "-")))
  }
  signif(s, 15)
}

scores <- list()                         # each distinct score is stored once
quietly <- function(expr) {              # value and the warnings given on the way
  w <- character()
  v <- withCallingHandlers(expr, warning = function(c) {
    w <<- c(w, conditionMessage(c)); invokeRestart("muffleWarning") })
  list(value = v, warnings = unique(w))
}
made <- list()                           # kept for the effects

matched <- function(d, spec, args, extra = NULL) {
  name <- paste0(d, "_", spec)
  if (nzchar(only) && !grepl(only, name)) return(invisible())
  call <- as.call(c(list(quote(matchit), get(paste0("f_", d)), data = as.name(d)), args))
  r <- try(quietly(eval(call, globalenv())), silent = TRUE)
  if (inherits(r, "try-error")) { cat(name, "FAILED:", r, "\n"); return(invisible()) }
  m <- r$value
  made[[name]] <<- m
  s <- suppressWarnings(summary(m))
  same <- names(scores)[vapply(scores, identical, TRUE, m$distance)]
  out <- list(name = name, data = d,
    call = paste(trimws(deparse(call, width.cutoff = 500)), collapse = " "),
    version = as.character(packageVersion("MatchIt")), estimand = m$estimand,
    warnings = if (length(r$warnings)) as.list(r$warnings),
    pairs = pair_array(d, m),
    weights = by_id(m$weights[m$weights != 0]),
    subclass = if (!is.null(m$subclass)) by_id(vapply(m$subclass[!is.na(m$subclass)], as.character, "")),
    distance = if (!is.null(m$distance) && !length(same)) exact_numbers(m$distance),
    distance_in = if (length(same)) same[1],
    caliper = if (!is.null(m$caliper)) {
      k <- m$caliper; names(k)[names(k) == ""] <- "distance"; as.list(signif(k, 15)) },
    q_cut = if (!is.null(m$q.cut)) as.list(unname(signif(m$q.cut, 15))),
    total_distance = total_distance(m),
    balance_all = columns(s$sum.all),
    balance_matched = columns(if (is.null(s$sum.matched)) s$sum.across else s$sum.matched),
    nn = columns(s$nn),
    discarded = as.list(ids(d, names(m$treat)[m$discarded])))
  if (!is.null(m$distance) && !length(same)) scores[[name]] <<- m$distance
  if (!is.null(extra)) out <- c(out, extra(d, m))
  store(name, out)
  cat(name, nrow(m$match.matrix), sum(m$weights != 0), if (length(r$warnings)) r$warnings[1], "\n")
  invisible(m)
}
both <- function(spec, ..., lalonde = NULL, generated = NULL, extra = NULL) {
  args <- as.list(substitute(list(...)))[-1]
  matched("lalonde", spec, c(args, as.list(substitute(lalonde))[-1]), extra)
  matched("generated", spec, c(args, as.list(substitute(generated))[-1]), extra)
}

# MatchIt's open issue 236: exact strata with a covariate distance and a caliper on a
# covariate. MatchIt goes through the strata one by one, and its C++ code changes the caliper
# of the R session in place (nn_matchC_mahcovs.cpp, "caliper_covs[cci] *= a") where the caliper
# covariate is a multiple of one of the transformed ones, so that from the second stratum on
# the caliper is a wrong one, too narrow or too wide. Beside what MatchIt gives we store two
# results which don't use that code:
#   by_stratum: matchit in each stratum alone, given the distances of the whole sample
#               (pooled within-group covariance) as a matrix;
#   greedy:     the plain algorithm written here: treated units in data order, each takes the
#               nearest free comparison of its stratum within the caliper (first one on ties).
stratum_extra <- function(strata, cal, dist = mahalanobis_dist) function(d, m) {
  data <- get(d)
  D <- dist(get(paste0("f_", d)), data = data)                   # treated x comparison
  e <- interaction(data[strata], drop = TRUE); v <- data[[names(cal)]]; names(e) <- names(v) <- data$id
  by <- list(); greedy <- list()
  for (k in levels(e)) {
    t <- rownames(D)[e[rownames(D)] == k]; c <- colnames(D)[e[colnames(D)] == k]
    if (!length(t) || !length(c)) next
    sub <- data[e == k, ]
    ms <- try(suppressWarnings(matchit(reformulate(names(cal), "treat"), data = sub,
      distance = D[t, c, drop = FALSE], caliper = cal, std.caliper = FALSE, m.order = "data")), silent = TRUE)
    if (!inherits(ms, "try-error")) by <- c(by, pair_array(d, ms))
    free <- c
    for (i in t) {
      ok <- free[abs(v[free] - v[i]) <= cal]
      if (!length(ok)) next
      j <- ok[which.min(D[i, ok])]
      greedy <- c(greedy, list(ids(d, base::c(i, j)))); free <- setdiff(free, j)
    }
  }
  p <- pair_array(d, m)
  gap <- vapply(p, function(q) abs(v[[as.character(q[1])]] - v[[as.character(q[2])]]), 0)
  list(pairs_by_stratum = by, pairs_greedy = greedy, largest_gap_in_caliper_covariate = max(gap))
}

if ("matching" %in% parts) {

both("nn", method = "nearest")
both("nn_linear", method = "nearest", link = "linear.logit")
both("nn_caliper", method = "nearest", caliper = .2)
both("nn_linear_caliper", method = "nearest", link = "linear.logit", caliper = .2)
both("nn_caliper_raw", method = "nearest", caliper = .02, std.caliper = FALSE)
both("nn_ratio2", method = "nearest", ratio = 2)
both("nn_ratio3_caliper", method = "nearest", ratio = 3, caliper = .2)
both("nn_replace", method = "nearest", replace = TRUE)
both("nn_replace_ratio3_caliper", method = "nearest", replace = TRUE, ratio = 3, caliper = .2)
both("nn_exact", method = "nearest",
     lalonde = list(exact = ~ race + married), generated = list(exact = ~ grp + b1))
both("nn_exact_caliper", method = "nearest", caliper = .2,
     lalonde = list(exact = ~ race + married), generated = list(exact = ~ grp + b1))
both("nn_smallest", method = "nearest", m.order = "smallest")
both("nn_data", method = "nearest", m.order = "data")
both("nn_closest", method = "nearest", m.order = "closest")
both("nn_closest_caliper", method = "nearest", m.order = "closest", caliper = .2)
both("nn_closest_ratio2_caliper", method = "nearest", m.order = "closest", ratio = 2, caliper = .2)
both("nn_farthest", method = "nearest", m.order = "farthest")
both("nn_reuse3", method = "nearest", reuse.max = 3)
both("nn_covariate_caliper", method = "nearest",
     lalonde = list(caliper = c(.2, age = 3, re74 = .3), std.caliper = c(TRUE, FALSE, TRUE)),
     generated = list(caliper = c(.2, x1 = 8, x2 = .6), std.caliper = c(TRUE, FALSE, TRUE)))
both("nn_negative_caliper", method = "nearest",
     lalonde = list(caliper = c(.25, age = -3), std.caliper = c(TRUE, FALSE)),
     generated = list(caliper = c(.25, x1 = -3), std.caliper = c(TRUE, FALSE)))
both("nn_antiexact", method = "nearest",
     lalonde = list(antiexact = ~ married), generated = list(antiexact = ~ b1))
both("nn_mahalanobis", method = "nearest", distance = "mahalanobis")
both("nn_robust_mahalanobis", method = "nearest", distance = "robust_mahalanobis")
both("nn_scaled_euclidean", method = "nearest", distance = "scaled_euclidean")
both("nn_euclidean", method = "nearest", distance = "euclidean")
both("nn_mahalanobis_closest", method = "nearest", distance = "mahalanobis", m.order = "closest")
both("nn_mahalanobis_replace_ratio3", method = "nearest", distance = "mahalanobis",
     replace = TRUE, ratio = 3)
both("nn_mahvars_caliper", method = "nearest", caliper = .2,
     lalonde = list(mahvars = ~ age + educ + re75), generated = list(mahvars = ~ x1 + x2 + x3))
for (x in c("mahalanobis", "scaled_euclidean")) {
  measure <- get(paste0(x, "_dist"))
  matched("lalonde", paste0("nn_", x, "_exact_caliper"),
          c(list(method = "nearest", distance = x),
            alist(exact = ~ race + married, caliper = c(age = 5), std.caliper = FALSE)),
          stratum_extra(c("race", "married"), c(age = 5), measure))
  matched("generated", paste0("nn_", x, "_exact_caliper"),
          c(list(method = "nearest", distance = x),
            alist(exact = ~ grp + b1, caliper = c(x1 = 8), std.caliper = FALSE)),
          stratum_extra(c("grp", "b1"), c(x1 = 8), measure))
}
both("nn_discard_both", method = "nearest", discard = "both")
both("nn_discard_both_reestimate", method = "nearest", discard = "both", reestimate = TRUE)
both("nn_discard_treated", method = "nearest", discard = "treated")
both("nn_discard_control", method = "nearest", discard = "control")
both("nn_variable_ratio", method = "nearest", ratio = 2, min.controls = 1, max.controls = 4)
both("nn_atc", method = "nearest", estimand = "ATC")
both("nn_atc_replace", method = "nearest", estimand = "ATC", replace = TRUE)
matched("generated", "nn_sampling_weights", alist(method = "nearest", s.weights = ~ sw))
matched("generated", "nn_sampling_weights_caliper",
        alist(method = "nearest", s.weights = ~ sw, caliper = .2, ratio = 2))
both("nn_cloglog", method = "nearest", distance = "glm", link = "cloglog")
both("nn_probit", method = "nearest", distance = "glm", link = "probit")

# optmatch stops when the solution is known to be within tol (MatchIt leaves optmatch's
# default of .001, times the number of units): "tight" is the same with a tol small enough
# for the true optimum. total_distance is what an optimal matching makes small.
both("optimal", method = "optimal")
both("optimal_tight", method = "optimal", tol = 1e-9)
both("optimal_ratio2", method = "optimal", ratio = 2)
both("optimal_ratio2_tight", method = "optimal", ratio = 2, tol = 1e-9)
both("optimal_exact_tight", method = "optimal", tol = 1e-9,
     lalonde = list(exact = ~ married), generated = list(exact = ~ b1))
both("full_att", method = "full", estimand = "ATT")
both("full_att_tight", method = "full", estimand = "ATT", tol = 1e-9)
both("full_ate", method = "full", estimand = "ATE")
both("full_atc", method = "full", estimand = "ATC")
both("full_att_caliper", method = "full", estimand = "ATT", caliper = .2)
both("full_att_limits_tight", method = "full", estimand = "ATT", tol = 1e-9,
     min.controls = .5, max.controls = 6)
if (requireNamespace("quickmatch", quietly = TRUE)) {
  both("quick_att", method = "quick", estimand = "ATT")
  both("quick_ate", method = "quick", estimand = "ATE")
}
both("subclass_att", method = "subclass", estimand = "ATT", subclass = 6)
both("subclass_ate", method = "subclass", estimand = "ATE", subclass = 6)
both("subclass_atc", method = "subclass", estimand = "ATC", subclass = 6)
# the generated data have no cell with both arms when all six covariates are cut by Sturges'
# rule, so there these use four of them
local({
  fg <- f_generated
  f_generated <<- treat ~ x1 + x2 + b1 + grp
  both("cem_att", method = "cem", estimand = "ATT")
  both("cem_ate", method = "cem", estimand = "ATE")
  both("cem_atc", method = "cem", estimand = "ATC")
  both("cem_k2k", method = "cem", k2k = TRUE)
  both("cem_k2k_closest", method = "cem", k2k = TRUE, m.order = "closest")
  f_generated <<- fg
})
both("cem_quintiles", method = "cem", cutpoints = "q5")
both("cem_bins", method = "cem",          # a single number is a number of equal bins, 0 none, 1 drops
     lalonde = list(cutpoints = list(age = 4, educ = 0, re74 = 5, re75 = 1)),
     generated = list(cutpoints = list(x1 = 4, x2 = 4, x3 = 3, x4 = 1),
                      grouping = list(grp = list(c("north", "centre"), c("east", "west", "south")))))
both("cem_cutpoints", method = "cem",
     lalonde = list(cutpoints = list(age = c(20, 25, 30, 40), educ = c(8.5, 11.5, 12.5),
                                     re74 = c(1, 5000, 15000), re75 = c(1, 5000))),
     generated = list(cutpoints = list(x1 = c(40, 50, 60), x2 = c(-.8, 0, .8), x3 = c(2, 5, 8),
                                       x4 = c(-.3, .3))))
matched("lalonde", "exact_att", alist(method = "exact"))   # on all seven covariates
both("nothing", method = NULL)
# exact matching on the factors only
local({
  fl <- f_lalonde; fg <- f_generated
  f_lalonde <<- treat ~ race + married + nodegree; f_generated <<- treat ~ grp + b1
  both("exact_factors_att", method = "exact", estimand = "ATT")
  both("exact_factors_ate", method = "exact", estimand = "ATE")
  f_lalonde <<- fl; f_generated <<- fg
})
solver <- c("highs", "Rglpk")[c(requireNamespace("highs", quietly = TRUE),
                                requireNamespace("Rglpk", quietly = TRUE))][1]
if (!is.na(solver)) {
  solver <- c(highs = "highs", Rglpk = "glpk")[[solver]]
  for (d in c("lalonde", "generated"))
    matched(d, "cardinality", list(method = "cardinality", estimand = "ATT", ratio = 1,
                                   tols = .05, solver = solver, time = 180),
      function(d, m) list(number_matched = as.list(table(m$treat[m$weights > 0]))))
}

}  # matching

# ---------------------------------------------------------------- weighting (WeightIt)

W <- list()
weighted <- function(d, spec, args) {
  name <- paste0("weightit_", d, "_", spec)
  call <- as.call(c(list(quote(weightit), get(paste0("f_", d)), data = as.name(d)), args))
  r <- try(quietly(eval(call, globalenv())), silent = TRUE)
  if (inherits(r, "try-error")) { cat(name, "FAILED:", r, "\n"); return(invisible()) }
  w <- r$value
  W[[name]] <<- w
  data <- get(d)
  X <- model.matrix(get(paste0("f_", d)), data)[, -1]
  sw <- if (is.null(w$s.weights)) rep(1, nrow(data)) else w$s.weights
  tr <- data$treat == 1
  gap <- abs(sapply(colnames(X), function(v) weighted.mean(X[tr, v], (w$weights * sw)[tr]) -
                      weighted.mean(X[!tr, v], (w$weights * sw)[!tr])) / apply(X, 2, sd))
  store(name, list(name = name, data = d,
    call = paste(trimws(deparse(call, width.cutoff = 500)), collapse = " "),
    version = as.character(packageVersion("WeightIt")), estimand = w$estimand,
    warnings = if (length(r$warnings)) as.list(r$warnings),
    weights = by_id(setNames(w$weights, data$id)),
    ess = columns(summary(w)$effective.sample.size),
    largest_standardized_gap = signif(max(gap), 3)))
  cat(name, signif(max(gap), 3), if (length(r$warnings)) r$warnings[1], "\n")
}
if (any(c("weighting", "balance", "effects") %in% parts)) {
  library(WeightIt)
  # ebal: rootSolve's Newton steps reach the exact solution when they converge
  for (d in c("lalonde", "generated")) {
    for (e in c("ATT", "ATE", "ATC", "ATO", "ATM"))
      weighted(d, paste0("ps_", tolower(e)), list(method = "glm", estimand = e))
    for (k in 1:3)
      weighted(d, paste0("ebal_att_moments", k),
               list(method = "ebal", estimand = "ATT", moments = k, reltol = 1e-14))
    weighted(d, "ebal_ate", list(method = "ebal", estimand = "ATE", reltol = 1e-14))
  }
  weighted("lalonde", "ebal_att_base_weights",
    alist(method = "ebal", estimand = "ATT", base.weights = lalonde$educ + 1, reltol = 1e-14))
  weighted("generated", "ebal_att_base_weights",
    alist(method = "ebal", estimand = "ATT", base.weights = generated$sw, reltol = 1e-14))
  weighted("generated", "ebal_att_sampling_weights",
    alist(method = "ebal", estimand = "ATT", s.weights = "sw", reltol = 1e-14))
  weighted("generated", "ps_att_sampling_weights",
    alist(method = "glm", estimand = "ATT", s.weights = "sw"))
  weighted("generated", "ps_ate_stabilized",
    alist(method = "glm", estimand = "ATE", stabilize = TRUE))
}

# ---------------------------------------------------------------- balance (cobalt)

if ("balance" %in% parts) {
  library(cobalt)
  tables <- function(name, obj, call) {
    stats <- c("mean.diffs", "variance.ratios", "ks.statistics", "ovl.coefficients")
    frame <- function(b) {
      B <- as.data.frame(b$Balance)
      type <- as.list(setNames(as.character(B$Type), rownames(B)))
      B <- B[vapply(B, is.numeric, TRUE) & colSums(!is.na(B)) > 0]
      list(types = type, balance = columns(as.matrix(B)))
    }
    b <- suppressWarnings(bal.tab(obj, stats = stats, un = TRUE, binary = "std", disp = c("means", "sds")))
    raw <- suppressWarnings(bal.tab(obj, stats = "mean.diffs", un = TRUE, binary = "raw"))
    store(paste0("cobalt_", name), c(list(name = name, of = call,
      call = 'bal.tab(x, stats = c("mean.diffs", "variance.ratios", "ks.statistics", "ovl.coefficients"), un = TRUE, binary = "std", disp = c("means", "sds"))',
      version = as.character(packageVersion("cobalt"))), frame(b),
      list(balance_binary_raw = frame(raw)$balance, ess = columns(as.matrix(b$Observations)))))
    cat("cobalt", name, "\n")
  }
  for (n in c("lalonde_nn_caliper", "lalonde_full_att", "lalonde_full_ate", "generated_nn_replace",
              "generated_full_att", "generated_nn_sampling_weights"))
    tables(n, made[[n]], paste(trimws(deparse(made[[n]]$call, width.cutoff = 500)), collapse = " "))
  for (n in c("weightit_lalonde_ebal_att_moments1", "weightit_generated_ps_ate"))
    tables(n, W[[n]], paste(trimws(deparse(W[[n]]$call, width.cutoff = 500)), collapse = " "))
}

# ---------------------------------------------------------------- effects

if ("effects" %in% parts) {
library(sandwich)
covariates <- list(lalonde = "age + educ + race + married + nodegree + re74 + re75",
                   generated = "x1 + x2 + x3 + x4 + b1 + grp")
outcome <- c(lalonde = "re78", generated = "y")
text <- function(...) paste0(...)
effect <- function(name, out) {
  store(paste0("effect_", name), c(list(name = name), out))
  cat("effect", name, out$estimate, out$se, "\n")
}
used <- function(n) paste(trimws(deparse(made[[n]]$call, width.cutoff = 500)), collapse = " ")

# 1. weighted regression, standard errors clustered by matched set
for (d in c("lalonde", "generated")) {
  for (s in c("nn", "nn_ratio2", "nn_caliper", "full_att", "full_ate", "subclass_att", "cem_att",
              if (d == "generated") "nn_sampling_weights")) {
    m <- made[[paste0(d, "_", s)]]
    md <- match_data(m)                     # weights include sampling weights
    for (adj in c(FALSE, TRUE)) {
      f <- text(outcome[[d]], " ~ treat", if (adj) text(" + ", covariates[[d]]))
      fit <- lm(as.formula(f), data = md, weights = weights)
      V <- vcovCL(fit, cluster = ~ subclass, type = "HC1")
      H <- vcovHC(fit, type = "HC3")
      effect(text(d, "_", s, if (adj) "_adjusted"), list(data = d, matching = used(paste0(d, "_", s)),
        call = text("fit <- lm(", f, ", data = match_data(m), weights = weights); ",
                    "vcovCL(fit, cluster = ~ subclass, type = \"HC1\")"),
        estimate = signif(coef(fit)[["treat"]], 15), se = signif(sqrt(V["treat", "treat"]), 15),
        se_hc1 = signif(sqrt(vcovHC(fit, type = "HC1")["treat", "treat"]), 15),
        se_hc3 = signif(sqrt(H["treat", "treat"]), 15),
        n = nrow(md), clusters = length(unique(md$subclass)), intercept = signif(coef(fit)[[1]], 15)))
    }
  }
  # 2. with replacement: one row per match, clustered by set and by person
  for (s in c("nn_replace", "nn_replace_ratio3_caliper", "nn_reuse3")) {
    m <- made[[paste0(d, "_", s)]]
    gm <- get_matches(m, id = "person")
    for (adj in c(FALSE, TRUE)) {
      f <- text(outcome[[d]], " ~ treat", if (adj) text(" + ", covariates[[d]]))
      fit <- lm(as.formula(f), data = gm, weights = weights)
      V <- vcovCL(fit, cluster = ~ subclass + person, type = "HC1")
      effect(text(d, "_", s, if (adj) "_adjusted"), list(data = d, matching = used(paste0(d, "_", s)),
        call = text("fit <- lm(", f, ", data = get_matches(m, id = \"person\"), weights = weights); ",
                    "vcovCL(fit, cluster = ~ subclass + person, type = \"HC1\")"),
        estimate = signif(coef(fit)[["treat"]], 15), se = signif(sqrt(V["treat", "treat"]), 15),
        se_subclass = signif(sqrt(vcovCL(fit, cluster = ~ subclass, type = "HC1")["treat", "treat"]), 15),
        se_person = signif(sqrt(vcovCL(fit, cluster = ~ person, type = "HC1")["treat", "treat"]), 15),
        n = nrow(gm), sets = length(unique(gm$subclass)), persons = length(unique(gm$person))))
    }
  }
  # 3. g-computation with a linear model, each arm its own slopes, averaged over the target
  for (s in c("nn", "full_att", "full_ate")) {
    m <- made[[paste0(d, "_", s)]]; md <- match_data(m)
    f <- text(outcome[[d]], " ~ treat * (", covariates[[d]], ")")
    fit <- lm(as.formula(f), data = md, weights = weights)
    over <- if (m$estimand == "ATT") md[md$treat == 1, ] else md
    tt <- delete.response(terms(fit))
    X1 <- model.matrix(tt, transform(over, treat = 1), xlev = fit$xlevels)
    X0 <- model.matrix(tt, transform(over, treat = 0), xlev = fit$xlevels)
    g <- colSums(over$weights * (X1 - X0)) / sum(over$weights)
    V <- vcovCL(fit, cluster = ~ subclass, type = "HC1")
    effect(text(d, "_", s, "_gcomputation"), list(data = d, matching = used(paste0(d, "_", s)),
      call = text("fit <- lm(", f, ", data = match_data(m), weights = weights); difference of mean predictions under treat = 1 and 0 over the matched ",
                  if (m$estimand == "ATT") "treated" else "sample", ", weighted; delta method from vcovCL(fit, cluster = ~ subclass, type = \"HC1\")"),
      estimate = signif(sum(g * coef(fit)), 15), se = signif(sqrt(drop(g %*% V %*% g)), 15)))
  }
}

# 4. g-computation for the binary outcome: risk difference and log risk ratio among the treated
for (s in c("nn", "nn_ratio2", "full_att", "full_ate")) {
  m <- made[[paste0("generated_", s)]]; md <- match_data(m)
  f <- text("yb ~ treat * (", covariates$generated, ")")
  fit <- glm(as.formula(f), data = md, weights = weights, family = quasibinomial(),
             control = list(epsilon = 1e-14, maxit = 100))
  V <- vcovCL(fit, cluster = ~ subclass, type = "HC1")
  over <- if (m$estimand == "ATT") md[md$treat == 1, ] else md
  tt <- delete.response(terms(fit))
  X1 <- model.matrix(tt, transform(over, treat = 1), xlev = fit$xlevels)
  X0 <- model.matrix(tt, transform(over, treat = 0), xlev = fit$xlevels)
  w <- over$weights / sum(over$weights)
  p1 <- plogis(drop(X1 %*% coef(fit))); p0 <- plogis(drop(X0 %*% coef(fit)))
  r1 <- sum(w * p1); r0 <- sum(w * p0)
  g1 <- colSums(w * p1 * (1 - p1) * X1); g0 <- colSums(w * p0 * (1 - p0) * X0)
  se <- function(g) signif(sqrt(drop(g %*% V %*% g)), 15)
  check <- numDeriv::grad(function(b) log(sum(w * plogis(X1 %*% b)) / sum(w * plogis(X0 %*% b))), coef(fit))
  stopifnot(max(abs(check - (g1 / r1 - g0 / r0))) < 1e-6)
  effect(text("generated_yb_", s, "_gcomputation"), list(data = "generated", matching = used(paste0("generated_", s)),
    call = text("fit <- glm(", f, ", data = match_data(m), weights = weights, family = quasibinomial()); mean predictions under treat = 1 and 0 over the matched ",
                if (m$estimand == "ATT") "treated" else "sample", ", weighted; delta method from vcovCL(fit, cluster = ~ subclass, type = \"HC1\")"),
    risk_treated = signif(r1, 15), risk_comparison = signif(r0, 15),
    estimate = signif(r1 - r0, 15), se = se(g1 - g0),
    log_risk_ratio = signif(log(r1 / r0), 15), log_risk_ratio_se = se(g1 / r1 - g0 / r0)))
}

# 5. Abadie and Imbens (Matching::Match). distance.tolerance = 0, else distances closer than
#    1e-5 count as ties and all of them are used, which on one score is many.
suppressPackageStartupMessages(library(Matching))
score <- unname(made$generated_nn$distance)
X3 <- as.matrix(generated[c("x1", "x2", "x3")])
abadie <- function(name, X, Z, args) {
  r <- do.call(Match, c(list(Y = generated$y, Tr = generated$treat, X = X, Z = Z), args))
  show <- function(v) if (is.character(v)) shQuote(v, "cmd") else as.character(v)
  effect(text("generated_abadie_imbens_", name), list(data = "generated",
    call = text("Match(Y = y, Tr = treat, X = ", if (is.matrix(X)) "cbind(x1, x2, x3)" else "score", ", ",
                paste(names(args), vapply(args, show, ""), sep = " = ", collapse = ", "), ")"),
    version = as.character(packageVersion("Matching")), score_in = if (!is.matrix(X)) "generated_nn",
    estimate = signif(drop(r$est), 15), se = signif(drop(r$se), 15),
    estimate_unadjusted = if (args$BiasAdjust) signif(drop(r$est.noadj), 15),
    se_conditional = if (!is.null(r$se.cond)) signif(drop(r$se.cond), 15),
    se_standard = signif(drop(r$se.standard), 15), n_matches = length(r$index.treated)))
}
for (M in c(1, 3)) for (B in c(FALSE, TRUE)) for (v in c(0, 1)) {
  a <- list(estimand = "ATT", M = M, BiasAdjust = B, Var.calc = v, ties = TRUE, replace = TRUE,
            distance.tolerance = 0)
  tag <- text("M", M, if (B) "_adjusted", if (v) text("_varcalc", v))
  abadie(text("score_", tag), score, score, c(a, Weight = 1))
  abadie(text("mahalanobis_", tag), X3, X3, c(a, Weight = 2))
}
for (e in c("ATE", "ATC"))
  abadie(text("mahalanobis_M1_adjusted_varcalc1_", tolower(e)), X3, X3,
         list(estimand = e, M = 1, BiasAdjust = TRUE, Var.calc = 1, ties = TRUE, replace = TRUE,
              distance.tolerance = 0, Weight = 2))
abadie("mahalanobis_M1_caliper", X3, X3, list(estimand = "ATT", M = 1, BiasAdjust = FALSE, Var.calc = 1,
       ties = TRUE, replace = TRUE, distance.tolerance = 0, Weight = 2, caliper = .5))
abadie("score_M1_default_tolerance", score, score, list(estimand = "ATT", M = 1, BiasAdjust = FALSE,
       Var.calc = 0, ties = TRUE, replace = TRUE, Weight = 1))

# 6. after weighting: robust, and M-estimation that counts the estimated weights
for (d in c("lalonde", "generated")) for (s in c("ps_att", "ps_ate", "ebal_att_moments1")) {
  w <- W[[paste0("weightit_", d, "_", s)]]
  f <- text(outcome[[d]], " ~ treat")
  fit <- lm_weightit(as.formula(f), data = get(d), weightit = w, vcov = "asympt")
  hc <- lm_weightit(as.formula(f), data = get(d), weightit = w, vcov = "HC0")
  effect(text("weightit_", d, "_", s), list(data = d, weighting = text("weightit_", d, "_", s),
    call = text("lm_weightit(", f, ", weightit = w, vcov = \"asympt\")"),
    version = as.character(packageVersion("WeightIt")),
    estimate = signif(coef(fit)[["treat"]], 15), se = signif(sqrt(vcov(fit)["treat", "treat"]), 15),
    se_hc0 = signif(sqrt(vcov(hc)["treat", "treat"]), 15)))
}
}  # effects
