# Reference results for the extended two-way model, Gaussian, Poisson and logit, made in R.
#
#   Rscript make_etwfe.R           (run it from this folder; five to ten minutes)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.

suppressMessages({library(etwfe); library(fixest)})
`%||%` <- function(a, b) if (is.null(a)) b else a      # etwfe expects R >= 4.4 to have it
setFixest_nthreads(1); setFixest_notes(FALSE); data.table::setDTthreads(1)
shared <- Sys.getenv("SHARED", "../../../../shared")

exact <- function(v) {                   # 15 digits; nothing where R has NA
  if (!is.numeric(v)) return(v)
  s <- sprintf("%.15g", v)
  s[is.na(v)] <- ""
  s
}
write_exact <- function(d, file, quote = FALSE) {
  write.csv(as.data.frame(lapply(d, exact)), file, row.names = FALSE, quote = quote, na = "")
}
panel <- read.csv("../did/panel.csv")
panel$log_exposure <- log(panel$exposure)
mpdta <- with(read.csv(file.path(shared, "open-data/mpdta/mpdta.csv")),
              data.frame(unit = countyreal, period = year, cohort = first.treat, x1 = lpop, y = lemp, w = exp(lpop), council = countyreal %/% 1000))
mpdta$employed <- exp(mpdta$y)
data <- list(panel = panel, unbalanced = panel[panel$kept == 1, ], mpdta = mpdta)
linear <- ", fixef.tol = 3e-12, fixef.iter = 1e5"
glm <- ", fixef.tol = 3e-12, glm.tol = 3e-13, glm.iter = 200"

model <- function(name, data, formula, more = "", cluster = "unit") data.frame(model = name, data, formula, more, cluster)
models <- rbind(
  model("gaussian", "panel", "y ~ 1", linear),
  model("gaussian_council", "panel", "y ~ 1", linear, "council"),
  model("gaussian_units", "panel", "y ~ 1", paste0(", ivar = unit", linear)),
  model("gaussian_never", "panel", "y ~ 1", paste0(', cgroup = "never"', linear)),
  model("gaussian_covariates", "panel", "y ~ x1 + x2", linear),
  model("gaussian_covariates_never", "panel", "y ~ x1 + x2", paste0(', cgroup = "never"', linear)),
  model("gaussian_weighted", "panel", "y ~ 1", paste0(", weights = ~w", linear)),
  model("gaussian_unbalanced", "unbalanced", "y ~ 1", linear),
  model("mpdta", "mpdta", "y ~ 1", linear),
  model("mpdta_units", "mpdta", "y ~ 1", paste0(", ivar = unit", linear)),
  model("mpdta_covariate", "mpdta", "y ~ x1", linear),
  model("mpdta_never", "mpdta", "y ~ 1", paste0(', cgroup = "never"', linear)),
  model("mpdta_poisson", "mpdta", "employed ~ 1", paste0(', family = "poisson"', glm)),
  model("poisson", "panel", "count ~ 1", paste0(', family = "poisson"', glm)),
  model("poisson_council", "panel", "count ~ 1", paste0(', family = "poisson"', glm), "council"),
  model("poisson_covariates", "panel", "count ~ x1 + x2", paste0(', family = "poisson"', glm)),
  model("poisson_never", "panel", "count ~ 1", paste0(', family = "poisson", cgroup = "never"', glm)),
  model("poisson_unbalanced", "unbalanced", "count ~ 1", paste0(', family = "poisson"', glm)),
  model("logit", "panel", "binary ~ 1", paste0(', family = "logit"', glm)),
  model("logit_council", "panel", "binary ~ 1", paste0(', family = "logit"', glm), "council"),
  model("logit_covariates", "panel", "binary ~ x1 + x2", paste0(', family = "logit"', glm)),
  model("logit_unbalanced", "unbalanced", "binary ~ 1", paste0(', family = "logit"', glm))
)
results <- cells <- NULL
models$call <- NA; models$n <- NA
for (k in seq_len(nrow(models))) {
  m <- models[k, ]
  models$call[k] <- paste0("etwfe(", m$formula, ", tvar = period, gvar = cohort, data = ", m$data, ", vcov = ~", m$cluster, m$more, ")")
  fit <- suppressMessages(suppressWarnings(eval(parse(text = models$call[k]), data)))
  models$n[k] <- fit$nobs
  ct <- coeftable(fit)
  at <- grepl("^\\.Dtreat:cohort::[0-9]+:period::[0-9]+$", rownames(ct))
  numbers <- do.call(rbind, strsplit(gsub("[^0-9:]", "", sub("^\\.Dtreat:", "", rownames(ct)[at])), ":+"))
  numbers <- numbers[, numbers[1, ] != "", drop = FALSE]
  cells <- rbind(cells, data.frame(model = m$model, cohort = as.numeric(numbers[, 1]), period = as.numeric(numbers[, 2]), estimate = ct[at, 1], se = ct[at, 2]))
  scales <- if (grepl("family", m$more)) c("response", "link") else "response"
  for (scale in scales) for (type in c("simple", "group", "calendar", "event")) {
    e <- suppressMessages(suppressWarnings(as.data.frame(emfx(fit, type = type, predict = scale, post_only = FALSE, compress = FALSE))))
    e <- e[!is.na(e$std.error), ]        # event times that the model holds at 0 are no results
    value <- if (type == "simple") NA else e[[c(group = "cohort", calendar = "period", event = "event")[[type]]]]
    results <- rbind(results, data.frame(model = m$model, scale, type, value = as.numeric(value), estimate = e$estimate, se = e$std.error))
  }
}
write_exact(results, "effects.csv")
write_exact(cells, "cells.csv")
write_exact(models, "models.csv", quote = TRUE)
cat(nrow(models), "models,", nrow(results), "effects,", nrow(cells), "cells\n")
