// Loads a TorchScript model and the tensors of a second archive, runs the one on the other, and says how far the result
// is from what that archive expects. Usage: load_model MODEL.pt CASE.pt
#include <torch/script.h>

#include <iostream>

int main(int count, const char* words[]) {
  if (count != 3) {
    std::cerr << "usage: load_model MODEL.pt CASE.pt\n";
    return 2;
  }
  torch::NoGradGuard no_gradient;
  torch::jit::Module model = torch::jit::load(words[1]);
  torch::jit::Module example = torch::jit::load(words[2]);
  torch::Tensor given = example.attr("given").toTensor();
  torch::Tensor expected = example.attr("expected").toTensor();
  torch::Tensor found = model.forward({given}).toTensor();
  if (found.sizes() != expected.sizes()) {
    std::cerr << "another shape\n";
    return 1;
  }
  std::cout << (found.to(torch::kDouble) - expected.to(torch::kDouble)).abs().max().item<double>() << "\n";
  return 0;
}
