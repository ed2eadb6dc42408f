#pragma once
// Width and height in one row, with a button that swaps them.

#include <QWidget>

namespace kinora::pipelines {
struct Parameter;
}

namespace kinora::app {

class NumberField;
class ParameterLabel;
class RequestDocument;
class Theme;

class SizeField : public QWidget {
    Q_OBJECT
  public:
    SizeField(const Theme& theme, RequestDocument& document, QWidget* parent = nullptr);

  private:
    void refresh();
    void connectField(NumberField* field, const pipelines::Parameter& parameter);

    RequestDocument& m_document;
    const pipelines::Parameter& m_widthParameter;
    const pipelines::Parameter& m_heightParameter;
    ParameterLabel* m_label;
    NumberField* m_width;
    NumberField* m_height;
};

} // namespace kinora::app
