#pragma once
// A second model that finishes the picture, and from where on.

#include "app/panels/sections/compose_section.h"

namespace kinora::app {

class ChoiceBox;

class RefinerSection : public ComposeSection {
  public:
    explicit RefinerSection(const Parts& parts);
    std::vector<std::string_view> parameters() const override { return {"refiner", "refinerAt"}; }

  protected:
    void refresh() override;
    QString summary() const override;
    QStringList marks() const override;

  private:
    void fill();

    ChoiceBox* m_model;
    QLabel* m_misfit;
    ParameterField* m_from;
    size_t m_models = 0;     // that it lists
    std::string m_filledFor; // the family of the model that they would follow
};

} // namespace kinora::app
