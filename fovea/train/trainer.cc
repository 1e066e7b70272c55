#include "fovea/train/trainer.h"

#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "fovea/backend/cpu/threads.h"
#include "fovea/data/batches.h"
#include "fovea/data/dataset.h"
#include "fovea/io/error.h"
#include "fovea/io/file.h"
#include "fovea/io/random.h"
#include "fovea/model/save.h"
#include "fovea/train/adamw.h"
#include "fovea/train/autocast.h"
#include "fovea/train/evaluation.h"
#include "fovea/train/loss.h"
#include "fovea/train/state_file.h"
#include "fovea/train/student.h"

namespace fovea {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

BatchOptions batch_options(const Recipe& r, const Config& config) {
  BatchOptions options;
  options.preprocessing = config.preprocessing;
  options.augmentation.crop = r.crop == "resized"  ? Crop::resized
                              : r.crop == "padded" ? Crop::padded
                                                   : Crop::centre;
  options.augmentation.scale = r.scale;
  options.augmentation.ratio = r.ratio;
  options.augmentation.padding = r.padding;
  options.augmentation.hflip = r.hflip;
  options.augmentation.rand_augment.operations = r.rand_augment;
  options.augmentation.rand_augment.magnitude = r.rand_augment_magnitude;
  options.augmentation.reprob = r.reprob;
  options.mix = {r.mixup, r.cutmix, r.mixup_prob, r.mixup_switch_prob};
  options.smoothing = r.smoothing;
  options.batch = r.batch_size;
  options.threads = r.workers;
  options.seed = r.seed;
  return options;
}

// The mean of weights over the steps; the weights themselves where the recipe keeps none.
class WeightMean {
 public:
  WeightMean(const std::vector<TorchParameter>& parameters, double decay)
      : parameters_(parameters), decay_(decay) {
    if (decay_ == 0) return;
    for (const auto& [name, values] : parameters_) {
      mean_.push_back({"ema." + name, values.detach().clone()});
    }
  }
  void follow(int64_t step) {
    // So that the first steps don't stay in it: TensorFlow's rule, which timm has too.
    const double decay = std::min(decay_, (1.0 + step) / (10.0 + step));
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < mean_.size(); ++i)
      mean_[i].values.lerp_(parameters_[i].values, 1 - decay);
  }
  std::vector<Weight> weights() const {
    if (mean_.empty()) return host_copies(parameters_);
    std::vector<TorchParameter> renamed = mean_;
    for (size_t i = 0; i < renamed.size(); ++i) renamed[i].name = parameters_[i].name;
    return host_copies(renamed);
  }
  const std::vector<TorchParameter>& state() const { return mean_; }

 private:
  const std::vector<TorchParameter>& parameters_;
  double decay_;
  std::vector<TorchParameter> mean_;
};

// What the next line of the log is about.
struct Window {
  double loss = 0;
  int64_t steps = 0, images = 0, right = 0;
  Clock::time_point start = Clock::now();
};

class Run {
 public:
  Run(const Recipe& recipe, const TrainOptions& options);
  Trained go();

 private:
  std::filesystem::path file(const char* name) const {
    return std::filesystem::path(recipe_.output) / name;
  }
  std::vector<TorchParameter> state() const;
  void prepare_output();
  int64_t begin();
  void step(const Batch& batch);
  double learn(const Batch& batch, torch::Tensor& logits);
  void log_window();
  void evaluate();
  void save_checkpoint();
  bool run_epoch(int64_t epoch, int64_t first);
  double epochs_done() const {
    return static_cast<double>(done_.step) / static_cast<double>(per_epoch_);
  }

  Recipe recipe_;
  const TrainOptions& options_;
  std::unique_ptr<Dataset> data_, val_data_;
  Student student_;
  TrainingBatches batches_;
  AdamW optimizer_;
  WeightMean mean_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<Journal> journal_;
  Progressed done_;
  int64_t per_epoch_ = 1;
  int64_t steps_ = 0;  // of the whole run
  Window window_;
  Clock::time_point last_checkpoint_ = Clock::now();
  Trained result_;
};

Run::Run(const Recipe& recipe, const TrainOptions& options)
    : recipe_(recipe),
      options_(options),
      data_(open_dataset(recipe.data, recipe.train_split)),
      student_(make_student(recipe, data_->classes())),
      batches_(*data_, batch_options(recipe, student_.config)),
      optimizer_(student_.torch->parameters(), recipe, student_.architecture.depth),
      mean_(student_.torch->parameters(), recipe.model_ema) {
  per_epoch_ = batches_.batches_per_epoch();
  steps_ = std::max<int64_t>(1, std::llround(recipe.epochs * static_cast<double>(per_epoch_)));
  if (!recipe.val_split.empty()) {
    val_data_ = open_dataset(recipe.data, recipe.val_split);
    if (val_data_->classes() != data_->classes()) {
      fail("{}: the classes of {} are not those of {}", recipe.data, recipe.val_split,
           recipe.train_split);
    }
  }
  if (!recipe.teacher.empty()) {
    teacher_ = std::make_unique<Teacher>(recipe, student_.architecture,
                                         LoadOptions{.threads = options.threads});
  }
  const Architecture& a = student_.architecture;
  check_merge_options(options.merge, a.depth, a.class_token);
  check_merge_options(options.eval_merge, a.depth, a.class_token);
}

std::vector<TorchParameter> Run::state() const {
  std::vector<TorchParameter> all = student_.torch->parameters();
  for (const TorchParameter& tensor : mean_.state()) all.push_back(tensor);
  for (const TorchParameter& tensor : optimizer_.state()) all.push_back(tensor);
  return all;
}

void Run::prepare_output() {
  std::error_code error;
  std::filesystem::create_directories(recipe_.output, error);
  if (error) fail("output {}: cannot be made: {}", recipe_.output, error.message());
  const bool is_there = std::filesystem::exists(file("checkpoint.safetensors"));
  if (is_there && !options_.resume) {
    fail(
        "output {}: has the checkpoint of a run; expected --resume to go on with it, or another "
        "folder",
        recipe_.output);
  }
  if (!is_there && options_.resume) {
    fail(
        "output {}: has no checkpoint.safetensors to go on from; expected no --resume for a new "
        "run",
        recipe_.output);
  }
}

int64_t Run::begin() {
  prepare_output();
  if (options_.resume) {
    done_ = read_state(file("checkpoint.safetensors"), state());
    optimizer_.set_steps(done_.step);
    options_.note(fmt::format("going on after step {} of {}", done_.step, steps_));
  }
  journal_ = std::make_unique<Journal>(file("log.csv"), done_.step);
  write_atomically(file("recipe.json"), [&](std::ostream& out) { out << recipe_text(recipe_); });
  result_.parameters = student_.architecture.parameters;
  for (const torch::Tensor& tensor : optimizer_.trained()) {
    result_.trained_parameters += tensor.numel();
  }
  return done_.step;
}

double Run::learn(const Batch& batch, torch::Tensor& logits) {
  Torch& torch = *student_.torch;
  const Shape& s = batch.images.shape;
  const Images images{batch.images.data.data(), s[0], s[2], s[3]};
  torch::Tensor loss;
  {
    const Autocast autocast(recipe_.amp, torch.device().type());
    const Vit<Torch>::Output output = student_.vit.forward(torch, images, options_.merge);
    const torch::Tensor targets =
        torch::from_blob(const_cast<float*>(batch.targets.data.data()), batch.targets.shape)
            .to(torch.device());
    loss = teacher_ ? teacher_->loss(torch, student_.vit, output, batch.images, targets)
                    : cross_entropy(output.logits.rows, targets);
    logits = output.logits.rows.detach();
  }
  const auto value = loss.item<double>();
  if (!std::isfinite(value)) {
    fail("the loss is {} at step {}; expected a number: a lower lr, or clip_grad, may help; {}",
         value, done_.step + 1,
         std::filesystem::exists(file("checkpoint.safetensors"))
             ? "the last checkpoint is still there for --resume"
             : "no checkpoint has been written yet");
  }
  loss.backward();
  return value;
}

void Run::step(const Batch& batch) {
  // Every step has random numbers of its own, so that a run goes on as if it had not ended.
  torch::manual_seed(
      Random({static_cast<uint64_t>(recipe_.seed), static_cast<uint64_t>(done_.step)})
          .below(std::numeric_limits<int64_t>::max()));
  const Clock::time_point start = Clock::now();
  torch::Tensor logits;
  const double loss = learn(batch, logits);
  optimizer_.clip(recipe_.clip_grad);
  const int64_t warmup = std::llround(recipe_.warmup_epochs * static_cast<double>(per_epoch_));
  optimizer_.step(learning_rate(recipe_, done_.step, warmup, steps_));
  mean_.follow(done_.step);
  ++done_.step;
  const torch::Tensor chosen = logits.argmax(1).to(torch::kCPU);
  const int64_t images = batch.images.shape[0];
  for (int64_t i = 0; i < images; ++i) {
    window_.right += chosen[i].item<int64_t>() == batch.labels[i] ? 1 : 0;
  }
  window_.loss += loss;
  window_.images += images;
  ++window_.steps;
  options_.on_step(done_.step, steps_, loss, static_cast<double>(images) / seconds_since(start));
}

void Run::log_window() {
  if (window_.steps == 0) return;
  const double seconds = seconds_since(window_.start);
  done_.seconds += seconds;
  const auto images = static_cast<double>(window_.images);
  const int64_t warmup = std::llround(recipe_.warmup_epochs * static_cast<double>(per_epoch_));
  JournalLine line;
  line.step = done_.step;
  line.epoch = epochs_done();
  line.loss = window_.loss / static_cast<double>(window_.steps);
  line.accuracy = 100 * static_cast<double>(window_.right) / images;
  line.learning_rate = learning_rate(recipe_, done_.step - 1, warmup, steps_);
  line.images_per_second = images / seconds;
  line.seconds = done_.seconds;
  journal_->add(line);
  options_.on_line(line);
  result_.step_seconds += seconds;
  result_.steps += window_.steps;
  window_ = {};
}

void Run::evaluate() {
  log_window();
  save_model(recipe_.output, student_.architecture, student_.config, mean_.weights());
  if (!val_data_) return;
  const Model model = Model::load(recipe_.output, {.threads = options_.threads});
  const Accuracy accuracy = evaluate_on(
      model, *val_data_, {.merge = options_.eval_merge, .want_tokens = false}, options_.stop);
  if (accuracy.images < val_data_->size()) return;  // told to stop
  JournalLine line;
  line.step = done_.step;
  line.epoch = epochs_done();
  line.val_top1 = accuracy.top1();
  line.val_top5 = accuracy.top5();
  line.seconds = done_.seconds;
  journal_->add(line);
  options_.on_line(line);
  result_.top1 = line.val_top1;
  result_.top5 = line.val_top5;
}

void Run::save_checkpoint() {
  log_window();
  write_state(file("checkpoint.safetensors"), state(), done_);
  last_checkpoint_ = Clock::now();
  window_.start = last_checkpoint_;
}

// Steps of an epoch from its batch `first` on; false where the run is to end.
bool Run::run_epoch(int64_t epoch, int64_t first) {
  batches_.start(epoch, first);
  if (window_.steps == 0) window_.start = Clock::now();
  Batch batch;
  while (done_.step < steps_ && batches_.next(batch)) {
    step(batch);
    if (options_.stop()) return false;
    if (window_.steps >= recipe_.log_every) log_window();
    const auto every =
        static_cast<int64_t>(std::llround(recipe_.val_every * static_cast<double>(per_epoch_)));
    if (every > 0 && done_.step % every == 0 && done_.step < steps_) {
      evaluate();
      save_checkpoint();
    } else if (seconds_since(last_checkpoint_) > 60 * recipe_.checkpoint_minutes) {
      save_checkpoint();
    }
  }
  return true;
}

Trained Run::go() {
  begin();
  student_.torch->set_training(true);
  bool goes_on = true;
  while (goes_on && done_.step < steps_) {
    goes_on = run_epoch(done_.step / per_epoch_, done_.step % per_epoch_);
  }
  result_.stopped = !goes_on;
  if (goes_on) evaluate();
  save_checkpoint();
  if (result_.steps > 0) result_.step_seconds /= static_cast<double>(result_.steps);
  return result_;
}

// libtorch frees and asks for the same large blocks at every step; kept, their pages need not be
// cleared anew.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

}  // namespace

Trained train(const Recipe& recipe, const TrainOptions& options) {
  check_recipe(recipe);
  keep_freed_memory();
  torch::set_num_threads(options.threads > 0 ? options.threads : usable_processors());
  try {
    return Run(recipe, options).go();
  } catch (const c10::Error& error) {
    fail("libtorch: {}", error.what_without_backtrace());
  }
}

}  // namespace fovea
