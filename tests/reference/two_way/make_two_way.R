# Reference results for two-way effects, event-study regressions, imputation, extended two-way models and the Bacon decomposition, made in R.
#
#   Rscript make_two_way.R             (run it from this folder; under a minute)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.
# The generated panel is tests/reference/did/panel.csv; mpdta is read where it lies (SHARED names the folder beside the checkout) and not copied.

suppressMessages({library(fixest); library(didimputation); library(bacondecomp); library(etwfe)})
`%||%` <- function(x, y) if (is.null(x)) y else x          # didimputation wants R 4.4's
setFixest_nthreads(1); data.table::setDTthreads(1); setFixest_notes(FALSE); setFixest_estimation(fixef.tol = 1e-11)
shared <- Sys.getenv("SHARED", "../../../../shared")

panel <- read.csv("../did/panel.csv")
panel$d <- as.integer(panel$cohort > 0 & panel$period >= panel$cohort)
panel$rel <- ifelse(panel$cohort > 0, panel$period - panel$cohort, -1000)
panel$bin <- ifelse(panel$cohort > 0, pmax(pmin(panel$rel, 2), -3), -1000)
panel$cell <- ifelse(panel$d == 1, panel$cohort * 100 + panel$period, 0)
unbalanced <- panel[panel$kept == 1, ]
mpdta <- read.csv(file.path(shared, "open-data/mpdta/mpdta.csv"))
mpdta <- with(mpdta, data.frame(unit = countyreal, period = year, cohort = first.treat, y = lemp))
mpdta$d <- as.integer(mpdta$cohort > 0 & mpdta$period >= mpdta$cohort)

results <- calls <- NULL
keep <- function(spec, term, estimate, se, call) {
  results <<- rbind(results, data.frame(spec, term = as.character(term), estimate = as.numeric(estimate), se = as.numeric(se)))
  calls <<- rbind(calls, data.frame(spec, call))
}
run <- function(spec, call) {
  fit <- eval(parse(text = call), globalenv())
  keep(spec, names(coef(fit)), coef(fit), se(fit), call)
}

# ---------------------------------------------------------------- two-way effects (fixest); no K: ours; default: the convention of fixest
no_k <- "ssc(K.adj = FALSE, G.adj = TRUE)"
for (data in c("panel", "unbalanced")) for (cluster in c("unit", "council")) {
  head <- sprintf("feols(y ~ d | unit + period, %s, vcov = ~%s", data, cluster)
  run(paste("two_way", data, cluster, sep = "_"), paste0(head, ", ssc = ", no_k, ")"))
  run(paste("two_way", data, cluster, "default", sep = "_"), paste0(head, ")"))
  run(paste("two_way", data, cluster, "weighted", sep = "_"), paste0(head, ", weights = ~w, ssc = ", no_k, ")"))
  run(paste("event", data, cluster, sep = "_"), sprintf("feols(y ~ i(rel, ref = c(-1, -1000)) | unit + period, %s, vcov = ~%s, ssc = %s)", data, cluster, no_k))
  run(paste("event_binned", data, cluster, sep = "_"),
      sprintf("feols(y ~ i(bin, ref = c(-1, -1000)) | unit + period, %s, vcov = ~%s, ssc = %s)", data, cluster, no_k))
  run(paste("event_left_out", data, cluster, sep = "_"),
      sprintf("feols(y ~ i(rel, ref = c(-1, -1000)) | unit + period, subset(%s, rel == -1000 | (rel >= -3 & rel <= 2)), vcov = ~%s, ssc = %s)",
              data, cluster, no_k))
}

# ---------------------------------------------------------------- saturated models with cohort and period effects
# (fixest takes errors of Poisson and logit models from the weights of the last iteration but one: good to 1e-5)
for (cluster in c("unit", "council")) for (data in c("panel", "unbalanced")) {
  tail <- sprintf("| cohort + period, %s, vcov = ~%s, ssc = %s", data, cluster, no_k)
  run(paste("saturated_linear", data, cluster, sep = "_"), sprintf("feols(y ~ i(cell, ref = 0) %s)", tail))
  run(paste("saturated_poisson", data, cluster, sep = "_"), sprintf("fepois(count ~ i(cell, ref = 0) %s, glm.tol = 1e-12)", tail))
  run(paste("saturated_poisson_offset", data, cluster, sep = "_"),
      sprintf("fepois(count ~ i(cell, ref = 0) + offset(log(exposure)) %s, glm.tol = 1e-12)", tail))
  run(paste("saturated_logit", data, cluster, sep = "_"), sprintf("feglm(binary ~ i(cell, ref = 0) %s, family = 'logit', glm.tol = 1e-12)", tail))
}
for (family in c("poisson", "logit")) for (cgroup in c("notyet", "never")) {
  outcome <- c(poisson = "count", logit = "binary")[family]
  call <- sprintf("etwfe(%s ~ 1, tvar = period, gvar = cohort, data = panel, vcov = ~unit, cgroup = '%s', family = '%s', fe = 'none')", outcome, cgroup, family)
  fit <- eval(parse(text = call))
  for (type in c("simple", "event", "group")) {
    m <- as.data.frame(emfx(fit, type = type, post_only = TRUE))
    m <- m[order(m[[c(simple = "term", event = "event", group = "cohort")[type]]]), ]
    term <- switch(type, simple = "simple", event = m$event, group = m$cohort)
    keep(paste("etwfe", family, cgroup, type, sep = "_"), term, m$estimate, m$std.error, paste0("emfx(", call, ", type = '", type, "')"))
  }
}

# ---------------------------------------------------------------- imputation
imputed <- function(spec, call) {
  fit <- as.data.frame(eval(parse(text = call), globalenv()))
  keep(spec, fit$term, fit$estimate, fit$std.error, call)
}
for (data in c("panel", "unbalanced")) for (cluster in c("unit", "council")) {
  head <- sprintf("did_imputation(%s, yname = 'y', gname = 'cohort', tname = 'period', idname = 'unit', cluster_var = '%s'", data, cluster)
  imputed(paste("imputation", data, cluster, sep = "_"), paste0(head, ")"))
  imputed(paste("imputation_horizons", data, cluster, sep = "_"), paste0(head, ", horizon = TRUE)"))
  imputed(paste("imputation_leads", data, cluster, sep = "_"), paste0(head, ", horizon = TRUE, pretrends = -3:-1)"))
}
imputed("imputation_mpdta_unit", "did_imputation(mpdta, yname = 'y', gname = 'cohort', tname = 'period', idname = 'unit')")
imputed("imputation_horizons_mpdta_unit", "did_imputation(mpdta, yname = 'y', gname = 'cohort', tname = 'period', idname = 'unit', horizon = TRUE)")

# ---------------------------------------------------------------- Bacon decomposition
pieces <- NULL
for (data in c("panel", "mpdta")) {
  out <- bacon(y ~ d, data = get(data), id_var = "unit", time_var = "period", quietly = TRUE)
  pieces <- rbind(pieces, data.frame(data, treated = out$treated, untreated = ifelse(is.finite(out$untreated), out$untreated, 0),
                                     estimate = sprintf("%.15g", out$estimate), weight = sprintf("%.15g", out$weight), type = out$type))
}

exact <- function(v) if (is.numeric(v)) sprintf("%.15g", v) else v
write.csv(as.data.frame(lapply(results, exact)), "results.csv", row.names = FALSE, quote = FALSE)
write.csv(unique(calls), "specs.csv", row.names = FALSE)
write.csv(pieces, "bacon.csv", row.names = FALSE, quote = FALSE)
cat(nrow(results), "estimates,", nrow(pieces), "comparisons\n")
