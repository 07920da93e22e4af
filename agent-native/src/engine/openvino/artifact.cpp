#include "engine/openvino/artifact.hpp"

#include <algorithm>
#include <string>

#include "engine/openvino/element_type.hpp"
#include "engine/openvino/onnx_data.hpp"
#include "engine/refusals.hpp"

namespace daris::engine::openvino {
namespace {

// OpenVINO's messages begin with where in its source it threw; the last line that is not empty says what.
std::string gist(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t line = text.find_last_of('\n');
  return model::printable(line == std::string_view::npos ? text : text.substr(line + 1));
}

std::string text_of(const ov::PartialShape& shape) {
  return shape.to_string();
}

template <typename Ports>
bool has_port(const Ports& ports, const std::string& name) {
  return std::ranges::any_of(ports, [&](const auto& port) { return port.get_names().contains(name); });
}

template <typename Ports>
std::string names_of(const Ports& ports) {
  std::string text;
  for (const auto& port : ports) {
    text += (text.empty() ? "" : ", ") +
            (port.get_names().empty() ? "(unnamed)" : model::printable(port.get_any_name()));
  }
  return text;
}

template <typename Ports>
void check_names(const model::Artifact& artifact, const std::string& kind, const Ports& ports,
                 const std::vector<std::string>& wanted) {
  const bool has_all =
      std::ranges::all_of(wanted, [&](const std::string& name) { return has_port(ports, name); });
  if (has_all && ports.size() == wanted.size()) return;
  std::string list;
  for (const std::string& name : wanted) list += (list.empty() ? "" : ", ") + model::printable(name);
  refuse(artifact, "has the " + kind + "s " + names_of(ports) + "; model.json says " + list);
}

template <typename Port>
void check_port(const model::Manifest& manifest, const model::Artifact& artifact, const Port& port,
                const std::string& name) {
  const model::Tensor& tensor = *manifest.tensor(name);
  const ov::element::Type type = element_type(tensor.datatype);
  const ov::Shape shape = batched_shape(tensor, artifact.batch);
  if (port.get_element_type() == type && port.get_partial_shape() == ov::PartialShape(shape)) return;
  refuse(artifact, "has the tensor " + model::printable(name) + " as " + port.get_element_type().to_string() +
                       " " + text_of(port.get_partial_shape()) + "; model.json says " + type.to_string() +
                       " " + text_of(ov::PartialShape(shape)));
}

// A file may leave dimensions open, such as the batch; nothing is open once the inputs are fixed.
void fix_shapes(ov::Model& onnx, const model::Manifest& manifest, const model::Artifact& artifact,
                const model::Stage& stage) {
  if (!onnx.is_dynamic()) return;
  std::map<std::string, ov::PartialShape> shapes;
  for (const std::string& name : stage.inputs) {
    shapes[name] = ov::PartialShape(batched_shape(*manifest.tensor(name), artifact.batch));
  }
  try {
    onnx.reshape(shapes);
  } catch (const std::exception& error) {
    refuse_artifact(artifact, "cannot take the shapes of model.json", error);
  }
}

std::shared_ptr<ov::Model> read_onnx(ov::Core& core, const model::Artifact& artifact,
                                     std::span<const std::byte> bytes) {
  const auto status = check_onnx_data(bytes);
  if (status == OnnxData::kMalformed) refuse(artifact, "is not a whole ONNX file; write and package it anew");
  if (status == OnnxData::kExternal) {
    refuse(artifact,
           "keeps weights in another file; save the model with its data inside (onnx.save_model with "
           "save_as_external_data=False)");
  }
  try {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return core.read_model(text, ov::Tensor());
  } catch (const std::exception& error) {
    refuse_artifact(artifact, "cannot be read as ONNX", error);
  }
}

}  // namespace

void check_fixed_shapes(const model::Artifact& artifact, const ov::CompiledModel& compiled) {
  for (const auto& node : compiled.get_runtime_model()->get_ordered_ops()) {
    const auto outputs = node->outputs();
    if (std::ranges::none_of(outputs, [](const auto& each) { return each.get_partial_shape().is_dynamic(); }))
      continue;
    refuse(artifact, "has open shapes inside, at " + model::printable(node->get_friendly_name()) +
                         "; make them constant (a shape must not depend on the data of a tensor)");
  }
}

void refuse_artifact(const model::Artifact& artifact, const std::string& what, const std::exception& error) {
  refuse(artifact, what + ": " + gist(error.what()));
}

std::shared_ptr<ov::Model> read_artifact(ov::Core& core, const model::Manifest& manifest,
                                         const model::Artifact& artifact, std::span<const std::byte> bytes) {
  std::shared_ptr<ov::Model> onnx = read_onnx(core, artifact, bytes);
  const model::Stage& stage = *std::ranges::find(manifest.stages, artifact.stage, &model::Stage::name);
  check_names(artifact, "input", onnx->inputs(), stage.inputs);
  check_names(artifact, "output", onnx->outputs(), stage.outputs);
  fix_shapes(*onnx, manifest, artifact, stage);
  for (const std::string& name : stage.inputs) check_port(manifest, artifact, onnx->input(name), name);
  for (const std::string& name : stage.outputs) check_port(manifest, artifact, onnx->output(name), name);
  return onnx;
}

}  // namespace daris::engine::openvino
